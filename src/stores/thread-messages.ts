/**
 * What the serving thread and the store's thread say to each other. Batches travel as flat lists of primitive values, which
 * cost a fraction of what a list of objects does.
 */
import type { Judgement, Question } from '../greylist/attempt.ts';
import type { Entry, Triplet } from '../greylist/store.ts';
import type { PassReason, WaitReason } from '../greylist/timing.ts';
import type { Chore, Swept } from './chores.ts';
import type { DatabaseOptions } from './database-options.ts';

/** What the thread is started with. */
export interface StoreWork {
  /** Absolute path of the database file, which is there. */
  readonly path: string;
  /** Milliseconds that the lock of another process may hold an update up. */
  readonly patience: number;
  readonly options: Pick<DatabaseOptions, 'synchronous' | 'maxPages'>;
}

/** To the thread. It answers each `judge` with `done` once it has worked on it, and each chore, in order, with its end. */
export type Order =
  | { readonly judge: readonly unknown[] }
  | { readonly chore: Chore }
  /** Settle what is waiting, close the database and end. */
  | 'close';

/** From the thread. */
export interface Report {
  /** The database is open. */
  readonly ready?: true;
  /** Answers, `ANSWER_SIZE` values each. */
  readonly settled?: readonly unknown[];
  /** Pages that were written, about. */
  readonly wrote?: number;
  /** The last `judge` has been worked on: what of it is not settled waits for another process's lock. */
  readonly done?: boolean;
  /** A chore has ended, by this or by an error. */
  readonly ended?: Swept | { readonly error: string };
  /** SQLite found the file corrupt. */
  readonly corrupt?: boolean;
}

/** Values that one attempt takes in an order. */
export const ATTEMPT_SIZE = 8;
/** Values that one answer takes in a report. */
export const ANSWER_SIZE = 5;

export function putAttempt(list: unknown[], ticket: number, triplet: Triplet, question: Question): void {
  const { network, sender, recipient } = triplet;
  const { now, timing, held, full } = question;
  list.push(ticket, network, sender, recipient, now, timing, held, full);
}

export function attemptAt(
  list: readonly unknown[],
  at: number,
): { readonly ticket: number; readonly triplet: Triplet; readonly question: Question } {
  const [ticket, network, sender, recipient, now, timing, held, full] = list.slice(at, at + ATTEMPT_SIZE) as [
    number,
    string,
    string,
    string,
    number,
    Question['timing'],
    Entry | undefined,
    boolean,
  ];
  return { ticket, triplet: { network, sender, recipient }, question: { now, timing, held, full } };
}

export function putJudgement(list: unknown[], ticket: number, { outcome, added, hold }: Judgement): void {
  list.push(ticket, outcome.reason, outcome.pass ? outcome.delayed : outcome.waitSeconds, added, hold);
}

/** @param message why there is no judgement */
export function putFailure(list: unknown[], ticket: number, message: string): void {
  list.push(ticket, undefined, message, false, undefined);
}

/** The judgement, or the message of a failure. */
export function answerAt(
  list: readonly unknown[],
  at: number,
): { readonly ticket: number; readonly answer: Judgement | string } {
  const ticket = list[at] as number;
  const reason = list[at + 1] as PassReason | WaitReason | undefined;
  if (reason === undefined) return { ticket, answer: list[at + 2] as string };
  const number = list[at + 2] as number;
  const passes = reason === 'matured' || reason === 'known';
  const outcome = passes
    ? ({ pass: true, reason, delayed: number } as const)
    : ({ pass: false, reason, waitSeconds: number } as const);
  return { ticket, answer: { outcome, added: list[at + 3] as boolean, hold: list[at + 4] as Entry | undefined } };
}
