/**
 * `learning`: what the daemon learns from what it sees, and what comes of it (`docs/learning.md`).
 */
import * as z from 'zod';
import { switchable } from './switchable.ts';
import { choice, duration, type Schema, whole } from './values.ts';

/** Each part is `false` if it is turned off. All times are milliseconds. */
export interface LearningConfig {
  readonly autowhite: AutowhiteConfig | false;
  /** Pending triplets that a network may have stored before one of them matured; 0: any number. */
  readonly pendingLimit: number;
  readonly correspondents: { readonly lifetime: number } | false;
  readonly impatient: ImpatientConfig | false;
  readonly relaySwitchers: RelaySwitchersConfig | false;
}

export interface AutowhiteConfig {
  readonly triplets: number;
  readonly hours: number;
}

export interface ImpatientConfig {
  readonly retries: number;
  readonly within: number;
  readonly per: 'triplet' | 'network';
  readonly delay: number;
}

export interface RelaySwitchersConfig {
  readonly networks: number;
  readonly within: number;
  readonly delay: number;
}

const autowhite: Schema<AutowhiteConfig> = z.strictObject({
  triplets: whole(1, 100).prefault('5').describe('How many different triplets of a network must have matured.'),
  hours: whole(1, 24).prefault('2').describe('In how many different hours of the clock they must have.'),
});

const correspondents: Schema<{ readonly lifetime: number }> = z.strictObject({
  lifetime: duration({ positive: true })
    .prefault('30d')
    .describe('How long a correspondent is known after our user last wrote.'),
});

const impatient: Schema<ImpatientConfig> = z.strictObject({
  retries: whole(1, 1_000).prefault('5').describe('How many hurried retries are too many.'),
  within: duration({ positive: true })
    .prefault('10s')
    .describe('A retry that comes within this time of the one before is hurried.'),
  per: choice(['triplet', 'network'])
    .prefault('triplet')
    .describe('Who waits longer: what was tried in haste, or all of its network.'),
  delay: duration({ positive: true }).prefault('30m').describe('How much longer.'),
});

const relaySwitchers: Schema<RelaySwitchersConfig> = z.strictObject({
  networks: whole(2, 100).prefault('3').describe('How many networks with one HELO name are too many.'),
  within: duration({ positive: true }).prefault('30s').describe('Within this time they try the same recipient.'),
  delay: duration({ positive: true }).prefault('30m').describe('How much longer that HELO name waits there.'),
});

export const learningSchema: Schema<LearningConfig> = z.strictObject({
  autowhite: switchable(autowhite)
    .prefault('true')
    .describe('Accept networks and SPF domains that have let enough triplets mature, until a blocklist lists them.'),
  pendingLimit: whole(0, 10_000_000)
    .prefault('5000')
    .describe(
      'How many pending triplets a network may have stored before one of them matured; those above are only held in memory. 0: any number.',
    ),
  correspondents: switchable(correspondents)
    .prefault('false')
    .describe('Accept senders to whom the recipient has written after logging in.'),
  impatient: switchable(impatient)
    .prefault('false')
    .describe('Let clients wait longer that come back every few seconds, or again after a 5xx.'),
  relaySwitchers: switchable(relaySwitchers)
    .prefault('false')
    .describe('Let clients wait longer that try one recipient from several networks with one HELO name.'),
});
