/**
 * Random sessions with a seed: an MTA that keeps to no order, wild filters, and streams with damaged bytes.
 */
import type { FilterOptions, Outcome } from '../../src/milter/filter.ts';
import { acceptMessage, discardMessage, proceed, reject, reply, skipBody, tempfail } from '../../src/milter/verdict.ts';
import type { Wants } from './reference-model.ts';
import { offer, packet } from './support.ts';

/** Whole numbers from 0 below `below`. */
export type Random = (below: number) => number;

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

export const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T;

const TEXTS = [
  '',
  'a',
  '<a@example.net>',
  '<>',
  'SIZE=1',
  'mail.example.net',
  '\xff\xfe',
  'x'.repeat(300),
  '{i}',
  'i',
  '4',
  'U',
];

function randomData(random: Random, command: string): string {
  if (random(8) === 0) return String.fromCharCode(...Array.from({ length: random(12) }, () => random(256)));
  const strings = Array.from({ length: random(4) }, () => `${pick(random, TEXTS)}\0`).join('');
  if (command === 'C')
    return `${pick(random, TEXTS)}\0${pick(random, ['U', '4\0\x19192.0.2.1\0', '6\0\x19IPv6:::1\0', 'L', ''])}`;
  if (command === 'D') return `${pick(random, [...'CHMRTLNBEUXD', ''])}${strings}`;
  return 'HMRLUBE'.includes(command) || random(10) === 0 ? strings : '';
}

/** Mostly the commands of real sessions, in any order. */
const COMMANDS = 'DDDDCHHMMMMRRRRRRRTLLLNBBBBEEEEEAAAUUKQ';

/** What an MTA sends: an offer at most times, then `count` packets. */
export function randomStream(random: Random, count: number): Buffer {
  const packets: Buffer[] = [];
  if (random(50) > 0) packets.push(offer(2 + random(6), 0x1ff, pick(random, [0x1fffff, 0x7f, 0, random(0x200000)])));
  for (let index = 0; index < count; index++) {
    let command = pick(random, [...COMMANDS]);
    // The rare ones end the connection; most sessions should go on.
    if (command === 'Q' && random(4) > 0) command = 'R';
    if (random(400) === 0) command = String.fromCharCode(random(256));
    packets.push(packet(command, randomData(random, command)));
  }
  return Buffer.concat(packets);
}

/** Changes, drops or doubles a few bytes. */
export function damage(random: Random, bytes: Buffer): Buffer {
  let damaged = Buffer.from(bytes);
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(damaged.length);
    const kind = random(3);
    if (kind === 0) damaged[at] = random(256);
    else
      damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(kind === 1 ? at + 1 : Math.max(0, at - 1))]);
  }
  return damaged;
}

export function randomChunks(random: Random, bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random(pick(random, [3, 40, 1_000]));
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const LIMIT = 2_000;
const VERDICTS = [
  proceed,
  proceed,
  proceed,
  proceed,
  reject,
  tempfail,
  reply(451, '4.7.1', 'x'),
  reply(550, null, 'y', 'z'),
];
const WILD = [...VERDICTS, acceptMessage, discardMessage, skipBody, undefined, null, 'c', {}];
const LISTENING: readonly (readonly [string, number])[] = [
  ['connect', 0x1000],
  ['helo', 0x2000],
  ['mail', 0x4000],
  ['rcpt', 0x8000],
  ['data', 0x10000],
  ['unknown', 0x20000],
  ['eoh', 0x40000],
  ['body', 0x80000],
  ['header', 0x80],
];

/** Counts what must happen once. */
export interface Books {
  readonly begun: Map<object, number>;
  readonly faults: string[];
  /** Errors the filter was told of. */
  errors: number;
}

/**
 * A filter whose handlers answer anything, now, or `later` perhaps by a promise; that throws, edits, and keeps books.
 */
export function randomFilter(
  random: Random,
  later: boolean,
): { readonly options: FilterOptions; readonly books: Books; readonly wants: Wants } {
  const books: Books = { begun: new Map(), faults: [], errors: 0 };
  let wanted = 0;
  const see = (subject: object): void => {
    const ended = books.begun.get(subject);
    if (ended === undefined) books.begun.set(subject, 0);
    else if (ended > 0) books.faults.push('asked about something that has ended');
  };
  const over = (subject: object): void => {
    const ended = books.begun.get(subject) ?? 0;
    if (ended > 0) books.faults.push('ended twice');
    books.begun.set(subject, ended + 1);
  };
  const answer = (): unknown => {
    const kind = random(later ? 12 : 30);
    if (kind === 0) throw new Error('thrown');
    const verdict = pick(random, WILD);
    if (!later || kind > 6) return verdict;
    if (kind === 1) return Promise.reject(new Error('rejected'));
    return new Promise(resolve => (kind === 2 ? setImmediate(() => resolve(verdict)) : resolve(verdict)));
  };
  const handler = (
    subject: object,
    _detail?: unknown,
    edit?: { addHeader(name: string, value: string): void },
  ): unknown => {
    see(subject);
    return edit === undefined ? answer() : atEnd(edit);
  };
  const atEnd = (edit: { addHeader(name: string, value: string): void }): unknown => {
    for (let count = random(3); count > 0; count--) edit.addHeader('X-Random', String(count));
    return answer();
  };
  const handlers: Record<string, unknown> = {};
  for (const [stage, bit] of LISTENING) {
    const kind = random(10);
    if (kind === 0) {
      handlers[stage] = { noReply: handler };
      wanted |= bit;
    } else if (kind > 2) handlers[stage] = handler;
  }
  if (random(5) > 0) handlers.eom = (subject: object, edit: never) => handler(subject, undefined, edit);
  return {
    books,
    wants: { limit: LIMIT, protocol: wanted, actions: 1 },
    options: {
      actions: ['addHeaders'],
      packetLimit: LIMIT,
      ...handlers,
      messageEnd(message: object, _outcome: Outcome) {
        over(message);
        if (random(40) === 0) throw new Error('messageEnd');
      },
      close(connection: object) {
        over(connection);
        if (random(40) === 0) throw new Error('close');
      },
      onError() {
        books.errors += 1;
        return pick(random, [proceed, tempfail, reject]);
      },
    } as unknown as FilterOptions,
  };
}
