/**
 * `greylist.suspicious`: what makes a client suspicious, and how long such clients wait.
 */
import * as z from 'zod';
import { switchable } from './switchable.ts';
import { duration, type Schema, whole } from './values.ts';

/** A class of suspicious clients, or `false` if it is none; without `delay` they wait as long as others. */
export interface SuspiciousConfig {
  readonly dnsbl: (SuspiciousClass & { readonly score: number }) | false;
  readonly noName: SuspiciousClass | false;
  readonly spfSoftfail: SuspiciousClass | false;
  readonly spfFail: SuspiciousClass | false;
}

export interface SuspiciousClass {
  /** Milliseconds. */
  readonly delay?: number | undefined;
}

const delay = duration({ positive: true }).optional().describe('How long they wait. Default: as long as others.');
const plain: Schema<SuspiciousClass> = z.strictObject({ delay });
const scored: Schema<SuspiciousClass & { readonly score: number }> = z.strictObject({
  delay,
  score: whole(1, 999_999).prefault('1').describe('What the weights of the lists that have the client must come to.'),
});

export const suspiciousSchema: Schema<SuspiciousConfig> = z.strictObject({
  dnsbl: switchable(scored).prefault('true').describe('Clients on a blocklist that are not refused for it.'),
  noName: switchable(plain).prefault('true').describe('Clients without a name that leads back to their address.'),
  spfSoftfail: switchable(plain).prefault('true').describe('Clients of which SPF says `softfail`.'),
  spfFail: switchable(plain).prefault('true').describe('Clients of which SPF says `fail`.'),
});
