/**
 * An MTA made of bytes, for tests of the milter library: builds packets, feeds them to a session, and reads what it answers
 * as text, one string a packet, bytes as Latin-1: `c`, `y451 4.7.1 Later\0`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Action } from '../../src/milter/constants.ts';
import type { FilterOptions, Outcome, Where } from '../../src/milter/filter.ts';
import { planFilter } from '../../src/milter/plan.ts';
import { Session, type Wire } from '../../src/milter/session.ts';
import { tempfail, type Verdict } from '../../src/milter/verdict.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { settle } from '../support/fixed-timers.ts';

/** One packet; text is taken as Latin-1. */
export function packet(command: string, data: string | Uint8Array = ''): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  const header = Buffer.alloc(5);
  header.writeUInt32BE(bytes.length + 1, 0);
  header.write(command, 4, 'latin1');
  return Buffer.concat([header, bytes]);
}

export function uint32s(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * index);
  return bytes;
}

/** OPTNEG as both MTAs offer it today, unless told otherwise. */
export function offer(version = 6, actions = 0x1ff, protocol = 0x1fffff): Buffer {
  return packet('O', uint32s(version, actions, protocol));
}

export function macros(command: string, ...pairs: readonly string[]): Buffer {
  return packet('D', command + pairs.map(text => `${text}\0`).join(''));
}

/** The commands of a session. */
export const C = (address = '192.0.2.1', hostname = 'mail.example.net'): Buffer =>
  packet('C', `${hostname}\x004\x9c\xbb${address}\0`);
export const H = (name = 'mail.example.net'): Buffer => packet('H', `${name}\0`);
export const M = (sender = '<a@example.net>', ...args: readonly string[]): Buffer =>
  packet('M', [sender, ...args].map(text => `${text}\0`).join(''));
export const R = (recipient = '<b@example.org>', ...args: readonly string[]): Buffer =>
  packet('R', [recipient, ...args].map(text => `${text}\0`).join(''));
export const T: Buffer = packet('T');
export const L = (name: string, value: string): Buffer => packet('L', `${name}\0${value}\0`);
export const N: Buffer = packet('N');
export const B = (chunk: string | Uint8Array): Buffer => packet('B', chunk);
export const E: Buffer = packet('E');
export const A: Buffer = packet('A');
export const Q: Buffer = packet('Q');
export const K: Buffer = packet('K');
export const U = (line = 'XYZZY'): Buffer => packet('U', `${line}\0`);

/** Whole packets as text. Throws on bytes that are none, or a piece of one at the end. */
export function packetTexts(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    if (length === 0 || at + 4 + length > bytes.length) {
      throw new Error(`no whole packet at byte ${at} of ${bytes.toString('hex')}`);
    }
    texts.push(bytes.toString('latin1', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}

/** Keeps every write by itself, so that tests see what leaves together. */
export class RecordingWire implements Wire {
  readonly writes: Buffer[] = [];
  closed = 0;
  /** The peer does not read. */
  full = false;
  /** What happens at a rest; unless told, the session goes on at once. */
  rest: () => void = () => {};

  write(bytes: Uint8Array): void {
    if (this.closed > 0) throw new Error(`written after the close: ${Buffer.from(bytes).toString('latin1')}`);
    this.writes.push(Buffer.from(bytes));
  }

  close(): void {
    this.closed += 1;
  }
}

/** A session and the MTA on the other end of it. Time stands still unless `clock` is moved. */
export class Rig {
  readonly wire: RecordingWire = new RecordingWire();
  readonly clock: FixedClock = new FixedClock();
  readonly session: Session;
  /** What the filter was told of peers that broke the protocol. */
  readonly offences: string[] = [];
  #read = 0;

  constructor(session: (rig: Rig) => Session) {
    this.session = session(this);
    this.wire.rest = () => this.session.goOn();
  }

  /** Sends packets in one chunk and returns the answers that have come since the last call. */
  say(...packets: readonly Buffer[]): string[] {
    this.session.receive(Buffer.concat(packets));
    return this.heard();
  }

  /** The same, after every promise that can settle has settled. */
  async sayAndWait(...packets: readonly Buffer[]): Promise<string[]> {
    this.session.receive(Buffer.concat(packets));
    await settle();
    return this.heard();
  }

  /** The answers since the last call. */
  heard(): string[] {
    const fresh = this.wire.writes.slice(this.#read);
    this.#read = this.wire.writes.length;
    return packetTexts(Buffer.concat(fresh));
  }

  /** Lets time go by, as the server's own timer would. */
  wait(milliseconds: number, tick = 250): void {
    for (let left = milliseconds; left > 0; left -= tick) {
      this.clock.advance(Math.min(tick, left));
      this.session.tick();
    }
  }
}

/** A session of this filter, before the negotiation. */
export function begin<const A extends Action = never, C = undefined, M = undefined>(
  options: FilterOptions<A, C, M>,
): Rig {
  let serial = 0;
  return new Rig(rig => {
    const told = Object.create(options) as { onProtocolError: FilterOptions['onProtocolError'] };
    told.onProtocolError =
      options.onProtocolError ?? ((text, fatal) => rig.offences.push(`${fatal ? 'fatal: ' : ''}${text}`));
    const plan = planFilter(told as unknown as FilterOptions<Action, unknown, unknown>);
    return new Session(plan, rig.wire, { nextId: () => `s${++serial}`, monotonic: () => rig.clock.monotonic() });
  });
}

/** A session of this filter, negotiated as with today's MTAs. */
export function negotiated<const A extends Action = never, C = undefined, M = undefined>(
  options: FilterOptions<A, C, M>,
  offered: Buffer = offer(),
): Rig {
  const rig = begin(options);
  rig.say(offered);
  return rig;
}

/** Collects the ends of messages and connections, as `1 delivered` and `close`. */
export function ends(): {
  readonly seen: string[];
  readonly options: {
    readonly messageEnd: (message: { readonly serial: number }, outcome: Outcome) => void;
    readonly close: () => void;
  };
} {
  const seen: string[] = [];
  const messageEnd = (message: { readonly serial: number }, outcome: Outcome): void => {
    seen.push(`${message.serial} ${outcome}`);
  };
  return { seen, options: { messageEnd, close: () => void seen.push('close') } };
}

/** A promise kept or broken from outside. */
export function deferred<T>(): { readonly promise: Promise<T>; keep(value: T): void; fail(error: unknown): void } {
  const { promise, resolve, reject: fail } = Promise.withResolvers<T>();
  return { promise, keep: resolve, fail };
}

/** Takes down errors as `stage: message`, with the message's serial if there is one. */
export function errors(verdict: Verdict = tempfail): {
  readonly told: string[];
  readonly onError: (error: unknown, where: Where) => Verdict;
} {
  const told: string[] = [];
  const onError = (error: unknown, { stage, message }: Where): Verdict => {
    told.push(`${stage}${message === undefined ? '' : ` of ${message.serial}`}: ${(error as Error).message}`);
    return verdict;
  };
  return { told, onError };
}

/** Waits, in real time and for a minute at most, until something holds; `what` names it in the error. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 10_000) throw new Error(`still not: ${what}`);
    await sleep(5);
  }
}
