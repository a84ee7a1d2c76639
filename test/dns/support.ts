/**
 * A stub resolver in front of scripted servers, with time that is moved by hand unless a test wants the real one.
 */
import { type Clock, systemClock, systemTimers, type Timers } from '../../src/clock.ts';
import { type Random, systemRandom } from '../../src/dns/random.ts';
import type { Answer, Resolver } from '../../src/dns/resolver.ts';
import { createStubResolver, type StubResolverOptions } from '../../src/dns/stub-resolver.ts';
import { a, nameOf, replyTo, soa } from '../support/dns-message.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { ScriptedDns, type ScriptedOptions, type UdpQuery } from '../support/scripted-dns.ts';
import type { Owner } from '../support/temp-dir.ts';

export interface Bench {
  readonly resolver: Resolver;
  readonly servers: readonly ScriptedDns[];
  readonly clock: FixedClock;
  readonly timers: FixedTimers;
  /** What was logged. */
  readonly lines: readonly string[];
}

/** Numbers that don't repeat soon and never send a look-up to the slowest server first. */
export function predictable(): Random {
  let next = 0;
  return into => {
    for (const i of into.keys()) into[i] = 2_000 + (next++ % 60_000);
  };
}

/**
 * `real`: the system's clock and timers, in place of those moved by hand. With several servers and no `random` the first one
 * is always tried first.
 */
export async function bench(
  owner: Owner,
  scripts: readonly ScriptedOptions[],
  options: Partial<StubResolverOptions> & { readonly real?: boolean } = {},
): Promise<Bench> {
  const servers = await Promise.all(scripts.map(script => ScriptedDns.start(owner, script)));
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const { logger, lines } = recordingLogger();
  const time: { clock: Clock; timers: Timers } = options.real
    ? { clock: systemClock, timers: systemTimers }
    : { clock, timers };
  const addresses = servers.map(server => server.address);
  const random = servers.length > 1 ? predictable() : systemRandom;
  const resolver = createStubResolver({ servers: addresses, random, logger, ...time, ...options });
  owner.after(() => resolver.close());
  return { resolver, servers, clock, timers, lines };
}

export function listed({ message, send }: UdpQuery, ttl = 300): void {
  send(replyTo(message, { answers: [a(nameOf(message), '127.0.0.2', ttl)] }));
}

export function clear({ message, send }: UdpQuery, ttl = 300): void {
  send(replyTo(message, { rcode: 3, authorities: [soa('bl.test', ttl, ttl)] }));
}

export function rcode(code: number): (query: UdpQuery) => void {
  return ({ message, send }) => send(replyTo(message, { rcode: code }));
}

export function silent(): void {}

/** An answer in one word: its records, its status or its cause. */
export function word(answer: Answer | undefined): string {
  if (!answer) return 'nothing';
  if (answer.status === 'failed') return answer.cause;
  const what = answer.status === 'records' ? answer.records.join(' ') : answer.status;
  return answer.from === 'fresh' ? what : `${what} (${answer.from})`;
}
