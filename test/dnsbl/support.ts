/**
 * What the tests of the DNSBL panel share: answers, a resolver whose replies the test releases one by one, and a panel over
 * zones that are in use at once.
 */
import assert from 'node:assert/strict';
import type { Answer, FailureCause, RecordType, ResolveOptions, Resolver } from '../../src/dns/resolver.ts';
import type { Policy } from '../../src/dnsbl/ballot.ts';
import { Health } from '../../src/dnsbl/health.ts';
import { Panel, type PanelOptions } from '../../src/dnsbl/panel.ts';
import { Zone } from '../../src/dnsbl/zone.ts';
import type { Fields, Logger } from '../../src/log/logger.ts';
import { type Address, parseAddress } from '../../src/net/address.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

type Records = Extract<Answer, { status: 'records' }>;
type Denial = Extract<Answer, { status: 'nxdomain' | 'nodata' }>;

export const nxdomain: Denial = { status: 'nxdomain', cname: false, ttl: 60, from: 'fresh' };
export const nodata: Denial = { status: 'nodata', cname: false, ttl: 60, from: 'fresh' };

export function records(...addresses: string[]): Records {
  return { status: 'records', records: addresses, cname: false, ttl: 60, from: 'fresh' };
}

export function failed(cause: FailureCause): Answer {
  return { status: 'failed', cause, detail: `${cause} for a test` };
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
}

/** A logger that keeps its lines, fields included, as `level message key=value …`. */
export class LinesLogger implements Logger {
  readonly lines: string[] = [];
  error(message: string, fields?: Fields): void {
    this.#add('error', message, fields);
  }
  warn(message: string, fields?: Fields): void {
    this.#add('warn', message, fields);
  }
  info(message: string, fields?: Fields): void {
    this.#add('info', message, fields);
  }
  debug(message: string, fields?: Fields): void {
    this.#add('debug', message, fields);
  }
  #add(level: string, message: string, fields: Fields = {}): void {
    const pairs = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
    this.lines.push([level, message, ...pairs].join(' '));
  }
}

/** A query that waits for the test to answer it. */
export interface Asked {
  readonly name: string;
  readonly options: ResolveOptions;
  answer(answer: Answer): void;
}

/** Answers what `reply` says, or if that says nothing, when the test does. */
export class HandResolver implements Resolver {
  /** Every question, in order. */
  readonly names: string[] = [];
  /** Questions without an answer, oldest first. */
  readonly open: Asked[] = [];
  readonly known = new Map<string, Answer>();
  readonly #reply: (name: string) => Answer | undefined;

  constructor(reply: (name: string) => Answer | undefined = () => undefined) {
    this.#reply = reply;
  }

  resolve(name: string, _type: RecordType, options: ResolveOptions = {}): Promise<Answer> {
    this.names.push(name);
    const reply = this.#reply(name);
    if (reply) return Promise.resolve(reply);
    return new Promise(resolve => {
      const asked: Asked = {
        name,
        options,
        answer: answer => {
          const at = this.open.indexOf(asked);
          if (at >= 0) this.open.splice(at, 1);
          resolve(answer);
        },
      };
      this.open.push(asked);
      options.signal?.addEventListener('abort', () => asked.answer(failed('aborted')));
    });
  }

  cached(name: string): Answer | undefined {
    return this.known.get(name);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export interface Rig {
  readonly zones: readonly Zone[];
  readonly health: Health;
  readonly panel: Panel;
  readonly clock: FixedClock;
  readonly timers: FixedTimers;
  readonly log: LinesLogger;
}

/** A panel over zones `z0.test`, `z1.test` … or over those given, all of which have passed their first self-test; rotation begins at share `start`. */
export function rig(
  resolver: Resolver,
  policy: Policy,
  {
    zones = 3,
    start = 0,
    ...options
  }: { zones?: number | readonly Zone[]; start?: number } & Partial<PanelOptions> = {},
): Rig {
  const list = typeof zones === 'number' ? plainZones(zones) : zones;
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const log = new LinesLogger();
  const health = new Health(list, { resolver, clock, timers, random: () => 0, log });
  for (const zone of list)
    for (const channel of Object.values(health.channels(zone)))
      if (channel.eligible) channel.tested({ verdict: 'good' });
  log.lines.length = 0;
  const panel = new Panel(list, { policy, ...options }, { resolver, health, clock, timers, random: () => start, log });
  return { zones: list, health, panel, clock, timers, log };
}

export function plainZones(count: number): Zone[] {
  return Array.from({ length: count }, (_, index) => Zone.parse({ zone: `z${index}.test`, selfTest: false }));
}

/** Which of the plain zones a name asks. */
export function zoneOf(name: string): number {
  return Number(/z(\d+)\.test$/.exec(name)?.[1]);
}

/** A small generator of repeatable numbers in [0, 1) (mulberry32). */
export function repeatable(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
