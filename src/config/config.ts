/**
 * The configuration: what the daemon does, resolved and immutable, however it was said. `DEFAULTS` is what a daemon without any
 * flag or file does.
 */
import { type Config, fileSchema } from './schema/file.ts';

export type { DnsConfig } from './schema/dns.ts';
export type { DnsblConfig } from './schema/dnsbl.ts';
export type { GreylistConfig } from './schema/greylist.ts';
export type { ListConfig } from './schema/lists.ts';
export type { LogConfig } from './schema/log.ts';
export type { Config };

export const DEFAULTS: Config = fileSchema.parse({});
