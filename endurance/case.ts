/**
 * What the endurance suite is made of: cases, each of which throws something at a real daemon (or at a parser of it) and tells
 * what was thrown and what was lost.
 */
import type { Owner } from '../test/support/temp-dir.ts';

/** Whole numbers from 0 below `below`; the same sequence for the same seed. */
export type Random = (below: number) => number;

export interface Trial extends Owner {
  /** The two-minute cut. */
  readonly short: boolean;
  readonly random: Random;
  /** Says on standard error how far a long case has come. */
  progress(text: string): void;
}

export interface Outcome {
  /** What the daemon had to bear, with figures. */
  readonly thrown: string;
  /** One entry for each promise that was broken; empty if all is well. */
  readonly lost: readonly string[];
  /** What else was measured. */
  readonly seen: string;
}

export interface Case {
  /** Family and name, `kill/under-load`: what `--only` takes, and part of its seed. */
  readonly name: string;
  /** Why it can't run here, or undefined. */
  readonly missing?: () => string | undefined;
  run(trial: Trial): Promise<Outcome>;
}

/** Collects what is lost: a case goes on after the first, and tells of the first few. */
export class Losses {
  readonly #kinds = new Map<string, { count: number; first: string }>();

  /** Notes a loss of a kind unless `holds`. */
  expect(holds: boolean, kind: string, detail: () => string = () => ''): void {
    if (holds) return;
    const known = this.#kinds.get(kind);
    if (known) known.count += 1;
    else this.#kinds.set(kind, { count: 1, first: detail() });
  }

  list(): readonly string[] {
    return [...this.#kinds].map(
      ([kind, { count, first }]) => `${kind}${count > 1 ? ` ×${count}` : ''}${first && `: ${first}`}`,
    );
  }
}

/** A small generator with a seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random(from.length)] as T;
}

/** Bytes that may be anything. */
export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = random(256);
  return bytes;
}

/** Milliseconds that the short cut adds to every limit. */
const MARGIN = 20_000;

/**
 * How late a timer of this process came at worst since the start. A limit in milliseconds is stretched by it: on a machine that
 * lets everyone wait, waiting says nothing about the daemon. In the short cut, where two cases share whatever machine there is,
 * it is stretched by seconds besides: there a limit only finds what is stuck.
 */
export class Busyness {
  readonly #margin: number;
  #worst = 0;
  #due = performance.now() + 20;
  readonly #timer: NodeJS.Timeout;

  constructor(trial: Trial) {
    this.#margin = trial.short ? MARGIN : 0;
    this.#timer = setInterval(() => {
      this.#worst = Math.max(this.#worst, performance.now() - this.#due);
      this.#due = performance.now() + 20;
    }, 20);
    trial.after(() => clearInterval(this.#timer));
  }

  get worst(): number {
    return Math.max(this.#worst, performance.now() - this.#due);
  }

  stretch(limit: number): number {
    return limit + this.#margin + 5 * this.worst;
  }
}

/** The value below which this share of the numbers lies; 0 of none. Sorts them. */
export function percentile(numbers: number[], share: number): number {
  numbers.sort((a, b) => a - b);
  return numbers[Math.min(numbers.length - 1, Math.floor(share * numbers.length))] ?? 0;
}

export const ms = (milliseconds: number): string =>
  milliseconds < 10
    ? `${milliseconds.toFixed(1)} ms`
    : milliseconds < 1_000
      ? `${Math.round(milliseconds)} ms`
      : `${(milliseconds / 1_000).toFixed(2)} s`;

export const count = (number: number): string => number.toLocaleString('en-GB');
