/**
 * `greylist`: times and networks of the greylist.
 */
import * as z from 'zod';
import { formatDuration } from '../duration.ts';
import { duration, KeyError, parsed, type Schema, section, whole } from './values.ts';

export interface GreylistConfig {
  /** Milliseconds, as all times. */
  readonly delay: number;
  readonly retryWindow: number;
  readonly lifetime: number;
  readonly tooSoon: number;
  /** Prefix lengths that make a client address a network. */
  readonly prefix: { readonly ipv4: number; readonly ipv6: number };
}

const keys = z.strictObject({
  delay: duration({ positive: true }).prefault('5m').describe('How long a new triplet waits.'),
  retryWindow: duration()
    .prefault('2d')
    .describe('How long after its first attempt a triplet may come back and pass; later, its wait starts again.'),
  lifetime: duration().prefault('36d').describe('How long a triplet that passed is remembered after its last use.'),
  tooSoon: duration()
    .prefault('0')
    .describe('A triplet that comes back sooner than this starts its wait again; 0: never.'),
  prefix: section(
    z.strictObject({
      ipv4: whole(8, 32).prefault('24').describe('Leading bits of an IPv4 address that count.'),
      ipv6: whole(16, 128).prefault('64').describe('Leading bits of an IPv6 address that count.'),
    }),
  ).describe('Which part of the client address belongs to the triplet.'),
});

export const greylistSchema: Schema<GreylistConfig> = parsed(keys, value => {
  const { delay, retryWindow, tooSoon } = value;
  // Announced waits are rounded up to whole seconds: who comes back then must still be in time.
  if (delay + 1_000 > retryWindow)
    throw new KeyError(['delay'], `expected less than retryWindow, which is ${formatDuration(retryWindow)}`);
  if (tooSoon > delay) throw new KeyError(['tooSoon'], `expected at most delay, which is ${formatDuration(delay)}`);
  return value;
});
