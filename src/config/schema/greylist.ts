/**
 * `greylist`: times and networks of the greylist.
 */
import * as z from 'zod';
import { formatDuration } from '../duration.ts';
import { type SuspiciousConfig, suspiciousSchema } from './suspicious.ts';
import { choice, duration, KeyError, parsed, type Schema, section, whole } from './values.ts';

export interface GreylistConfig {
  /** Milliseconds, as all times. */
  readonly delay: number;
  readonly retryWindow: number;
  readonly lifetime: number;
  readonly tooSoon: number;
  /** Prefix lengths that make a client address a network. */
  readonly prefix: { readonly ipv4: number; readonly ipv6: number };
  /** Answer for each recipient, or for the message as a whole. */
  readonly scope: 'recipient' | 'message';
  /** Whether senders that differ only in what is made up for each message are one. */
  readonly senderKey: 'normalized' | 'exact';
  /** Whom it is for: everyone, or only who is suspicious. */
  readonly when: 'always' | 'suspicious';
  readonly suspicious: SuspiciousConfig;
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
  senderKey: choice(['normalized', 'exact'])
    .prefault('normalized')
    .describe(
      'Whether senders that differ only in what is made up for each message (VERP, BATV, SRS, `+ext`) are one, or each its own.',
    ),
  scope: choice(['recipient', 'message'])
    .prefault('recipient')
    .describe(
      'Answer for each recipient by itself, or, at its end, for the message: one 451 for all until every triplet has matured.',
    ),
  when: choice(['always', 'suspicious'])
    .prefault('always')
    .describe('Whether everyone has to wait, or only who is suspicious; all others are accepted then.'),
  suspicious: section(suspiciousSchema).describe('What makes a client suspicious, and how long such clients wait.'),
});

export const greylistSchema: Schema<GreylistConfig> = parsed(keys, value => {
  const { delay, retryWindow, tooSoon } = value;
  // Announced waits are rounded up to whole seconds: who comes back then must still be in time.
  if (delay + 1_000 > retryWindow)
    throw new KeyError(['delay'], `expected less than retryWindow, which is ${formatDuration(retryWindow)}`);
  if (tooSoon > delay) throw new KeyError(['tooSoon'], `expected at most delay, which is ${formatDuration(delay)}`);
  checkSuspicious(value);
  return value;
});

function checkSuspicious({ when, suspicious, retryWindow }: GreylistConfig): void {
  const classes = Object.entries(suspicious) as [string, SuspiciousConfig[keyof SuspiciousConfig]][];
  if (when === 'suspicious' && classes.every(([, settings]) => settings === false))
    throw new KeyError(['suspicious'], 'nothing makes a client suspicious, so nobody would be greylisted');
  for (const [name, settings] of classes) {
    if (settings !== false && (settings.delay ?? 0) + 1_000 > retryWindow)
      throw new KeyError(
        ['suspicious', name, 'delay'],
        `expected less than retryWindow, which is ${formatDuration(retryWindow)}`,
      );
  }
}
