/**
 * One DNS server: its sockets, how many queries it is sent at a time, how fast and whether it replies.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import { Breaker } from './breaker.ts';
import { ControlQuestion } from './control-question.ts';
import { Exchange, type ExchangeListener, type Line } from './exchange.ts';
import type { Question } from './question.ts';
import type { RandomSource } from './random.ts';
import type { FailureCause } from './resolver.ts';
import { RoundTrip } from './round-trip.ts';
import { formatServer, type ServerAddress } from './servers.ts';
import { TruncationWatch } from './truncation-watch.ts';
import { UdpPool } from './udp-pool.ts';
import type { UdpSocket } from './udp-socket.ts';
import type { WireLog } from './wire-log.ts';

/** Queries in flight at most: a few hundred at once overflow the receive buffer of a small server. */
const WINDOW = 64;
/** Queries that wait for the window at most. */
const QUEUE = 512;

export interface UpstreamOptions {
  readonly server: ServerAddress;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly log: WireLog | undefined;
}

export class Upstream implements Line {
  readonly name: string;
  readonly server: ServerAddress;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: WireLog | undefined;
  readonly #logger: Logger;
  readonly #roundTrip = new RoundTrip();
  readonly #breaker = new Breaker();
  readonly #control: ControlQuestion;
  /** Why the server is under suspicion. */
  #suspicion = '';
  readonly #truncations: TruncationWatch;
  readonly #pool: UdpPool;
  /** Exchanges in the window; each knows whether it is one of them. */
  #inFlight = 0;
  readonly #queue = new Set<Exchange>();

  constructor({ server, clock, timers, random, logger, log }: UpstreamOptions) {
    this.name = formatServer(server);
    this.server = server;
    this.clock = clock;
    this.random = random;
    this.log = log;
    this.#logger = logger;
    this.#truncations = new TruncationWatch(this.name, logger);
    this.#pool = new UdpPool(server, random);
    this.#control = new ControlQuestion(this, clock, timers, () => this.#confirmSilence());
  }

  /** The part of the window in use, 0 to 1. */
  get load(): number {
    return this.#inFlight / WINDOW;
  }

  /** Smoothed round trip in milliseconds; 0 before the first, so that every server is tried once. */
  get roundTrip(): number {
    return this.#roundTrip.smoothed ?? 0;
  }

  get wait(): number {
    return this.#roundTrip.wait;
  }

  /** Why a query can't be sent or queued now, or undefined if it can. */
  get obstacle(): FailureCause | undefined {
    if (!this.#breaker.allows(this.clock.monotonic())) return 'breaker-open';
    if (this.load >= 1 && this.#queue.size >= QUEUE) return 'queue-full';
    return undefined;
  }

  /** Puts a question to the server, now or as soon as the window allows. Ask only if there is no `obstacle`. */
  ask(question: Question, listener: ExchangeListener): Exchange {
    const exchange = new Exchange(this, question, listener);
    if (this.load < 1) this.#start(exchange);
    else this.#queue.add(exchange);
    return exchange;
  }

  close(): Promise<void> {
    this.#control.cancel();
    return this.#pool.close();
  }

  socket(now: number): UdpSocket {
    return this.#pool.pick(now);
  }

  replied(now: number, milliseconds: number, truncated: boolean): void {
    this.#roundTrip.sample(milliseconds);
    this.#truncations.count(truncated, now);
    if (this.#breaker.replied(now)) this.#logger.info('DNS server answers again', { server: this.name });
  }

  silent(sentAt: number, reason: string): void {
    const now = this.clock.monotonic();
    if (this.#breaker.heardSince(sentAt)) return;
    this.#roundTrip.sample(Math.max(this.wait, now - sentAt)); // else a server that refuses at once would look fast
    if (!this.#breaker.failed(sentAt)) return;
    this.#suspicion = reason;
    this.#control.ask();
  }

  withdrawn(sentAt: number): void {
    this.#breaker.withdrawn(sentAt);
  }

  leave(exchange: Exchange): void {
    if (this.#queue.size > 0) this.#queue.delete(exchange);
    if (!exchange.inWindow) return;
    exchange.inWindow = false;
    this.#inFlight--;
    for (const next of this.#queue) {
      this.#queue.delete(next);
      this.#start(next);
      return;
    }
  }

  #confirmSilence(): void {
    const pause = this.#breaker.confirm(this.clock.monotonic());
    if (pause === undefined) return;
    this.#logger.warn('DNS server does not answer', { server: this.name, cause: this.#suspicion, pause_ms: pause });
    for (const exchange of [...this.#queue]) exchange.refuse('breaker-open', 'does not answer');
  }

  #start(exchange: Exchange): void {
    exchange.inWindow = true;
    this.#inFlight++;
    this.#breaker.sent();
    exchange.start();
  }
}
