/**
 * Greylisting as a client sees it: the wait that a reply tells, and patience.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SmtpReply, showReply } from '../../support/smtp.ts';
import { headers, type SunkMessage } from '../../support/smtp-sink.ts';

/** What a 451 tells. */
export interface Wait {
  /** Whether the client was told before. */
  readonly still: boolean;
  readonly seconds: number;
}

/** The wait that a reply tells. Throws if the reply is not, to the letter, one of the greylist's. */
export function waitOf(reply: SmtpReply | undefined): Wait {
  const shown = reply === undefined ? 'no reply' : showReply(reply);
  const match = /^451 4\.7\.1 Greylisting (still )?in action, please come back later \(([1-9]\d*) secs\)$/.exec(shown);
  assert.ok(match, `not a reply of the greylist: ${shown}`);
  return { still: match[1] !== undefined, seconds: Number(match[2]) };
}

/** When something happened in the daemon, by what was seen from outside: epoch milliseconds. */
export interface Moment {
  readonly earliest: number;
  readonly latest: number;
}

/** Does something, and tells when. */
export async function timed<T>(act: () => Promise<T>): Promise<readonly [T, Moment]> {
  const earliest = Date.now();
  const result = await act();
  return [result, { earliest, latest: Date.now() }];
}

/** Whole seconds that a client has waited between two moments, rounded down: the least and the most it can have been. */
export function secondsBetween(one: Moment, other: Moment): readonly [least: number, most: number] {
  return [other.earliest - one.latest, other.latest - one.earliest].map(gap => Math.floor(gap / 1000)) as [
    number,
    number,
  ];
}

/** Resolves at, and never before, a time by the clock that the daemon reads. */
export async function waitUntil(epoch: number): Promise<void> {
  for (let left = epoch - Date.now(); left > 0; left = epoch - Date.now()) await sleep(left);
}

/** The seconds that a message's one `X-Greylist` header tells. Throws unless there is one, in its full form. */
export function delayTold(message: SunkMessage): number {
  const found = headers(message, 'X-Greylist');
  assert.equal(found.length, 1, `one X-Greylist header in:\n${message.text}`);
  const form =
    /^delayed (\d+) seconds by milter-greylist\/\d+\.\d+ at \S+; (\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000)$/;
  const [, seconds, date = ''] = form.exec(found[0] ?? '') ?? assert.fail(`X-Greylist: ${found[0]}`);
  assert.ok(Math.abs(Date.parse(date) - Date.now()) < 60_000, `a date of now: ${date}`);
  return Number(seconds);
}

/** The message's `X-Greylist` header tells the seconds that its client has waited between two moments. */
export function assertTold(message: SunkMessage, attempted: Moment, passed: Moment): void {
  const told = delayTold(message);
  const [least, most] = secondsBetween(attempted, passed);
  assert.ok(least <= told && told <= most, `${told} s told, ${least} to ${most} s waited`);
}
