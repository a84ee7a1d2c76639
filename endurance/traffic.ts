/**
 * The mail that load is made of. Each serial number is a triplet of its own, in a network of its own.
 */

/**
 * What a session is: a new triplet, one that comes back too early, one whose time has come, one that passed before, a
 * client on the whitelist, a client on a blocklist.
 */
export const KINDS = ['new', 'early', 'mature', 'passed', 'white', 'listed'] as const;
export type Kind = (typeof KINDS)[number];
export type Mix = Readonly<Partial<Record<Kind, number>>>;

/** What is said to each kind while nothing fails. */
export const PROPER: Readonly<Record<Kind, string>> = {
  new: '451',
  early: '451',
  mature: 'proceed',
  passed: 'proceed',
  white: 'proceed',
  listed: '550',
};

export interface LoadOptions {
  readonly socket: string;
  /** Sessions at a time. */
  readonly connections: number;
  /** Sessions a second; as many as can be unless told. */
  readonly rate?: number;
  readonly mix: Mix;
  /** The first serial; runs on one database must not repeat each other. */
  readonly first: number;
  readonly seed: number;
  /** The daemon's `--greytimeout` in milliseconds. */
  readonly delay: number;
}

/** One recipient's answer: its serial, kind, word and milliseconds. The word is a code, a plain verdict, or `error …`. */
export type Answer = readonly [serial: number, kind: Kind, word: string, milliseconds: number];

export const recipientOf = (serial: number): string => `r${serial}@rcpt.example`;
export const senderOf = (serial: number): string => `someone@s${serial}.example`;

/** Public addresses, each in a /24 of its own for two million serials. */
export function clientOf(kind: Kind, serial: number): string {
  if (kind === 'white') return `192.0.2.${serial & 255}`;
  if (kind === 'listed') return `203.0.113.${serial & 255}`;
  return `${62 + ((serial >> 16) & 31)}.${(serial >> 8) & 255}.${serial & 255}.7`;
}
