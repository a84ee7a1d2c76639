/**
 * `dns`: whom the resolver asks.
 */
import * as z from 'zod';
import { parseServer } from '../../dns/servers.ts';
import { listOf, path, type Schema, scalar } from './values.ts';

export interface DnsConfig {
  /** `ADDR` or `ADDR:PORT`; empty: those of the system. */
  readonly resolvers: readonly string[];
  /** Where questions and answers are logged; undefined: nowhere. */
  readonly debugFile?: string | undefined;
}

const server = scalar(
  'an address of a DNS server, such as 127.0.0.1 or 127.0.0.1:5353',
  text => {
    parseServer(text);
    return text;
  },
  { type: 'string' },
);

export const dnsSchema: Schema<DnsConfig> = z.strictObject({
  resolvers: listOf(server)
    .prefault([])
    .describe('DNS servers to ask, `ADDR` or `ADDR:PORT`, in place of those of the system.'),
  debugFile: path().optional().describe('A file that questions and answers are logged to, keys in zone names masked.'),
});
