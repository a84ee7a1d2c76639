/**
 * One look-up on the network: up to three attempts at up to all servers, until one answers or the time is over. A server that
 * fails is followed by the next at once, a silent one after the wait its round trips suggest; a late reply is still taken.
 */
import type { Clock, Timers } from '../clock.ts';
import { Alarm } from './alarm.ts';
import type { Exchange, ExchangeListener, Line } from './exchange.ts';
import type { Question } from './question.ts';
import type { Failure, Finding } from './reply.ts';
import type { Upstream } from './upstream.ts';

const MAX_ATTEMPTS = 3;
const NONE: readonly never[] = [];

export type Outcome = { readonly finding: Finding } | { readonly failure: Failure };

export interface LookupOptions {
  readonly question: Question;
  /** In the order they shall be tried. */
  readonly servers: readonly Upstream[];
  readonly clock: Clock;
  readonly timers: Timers;
  /** Milliseconds for everything. */
  readonly limit: number;
  /** Called once. */
  readonly onEnd: (outcome: Outcome) => void;
}

export class Lookup implements ExchangeListener {
  /** When its time is over, in milliseconds of the monotonic clock. */
  readonly deadline: number;
  readonly #options: LookupOptions;
  readonly #alarm: Alarm;
  /** Under way, late ones included. Like the next, made anew and not grown: an array that grows takes room for many. */
  #exchanges: readonly Exchange[] = NONE;
  /** Servers that answered with a failure: no use in asking them again. */
  #failed: readonly Line[] = NONE;
  #attempts = 0;
  /** The exchange that the next attempt waits for. */
  #current: Exchange | undefined;
  #lateAt = Number.POSITIVE_INFINITY;
  #failure: Failure | undefined;
  #wanted = true;
  #ended = false;

  constructor(options: LookupOptions) {
    this.#options = options;
    this.deadline = options.clock.monotonic() + options.limit;
    this.#alarm = new Alarm(options.clock, options.timers, () => this.#onAlarm());
  }

  /** Sends the first query; ends at once if none can be sent. */
  start(): void {
    if (!this.#attempt()) this.#end({ failure: this.#failure ?? { cause: 'refused', detail: 'no server to ask' } });
  }

  /** Nobody waits for it: what is under way may end, but nothing more is sent. */
  abandon(): void {
    this.#wanted = false;
  }

  /** Ends it without a word. */
  cancel(): void {
    this.#ended = true;
    this.#alarm.clear();
    for (const exchange of this.#exchanges) exchange.cancel();
    this.#exchanges = NONE;
  }

  onSent(exchange: Exchange, wait: number): void {
    if (this.#current !== undefined && this.#current !== exchange) return;
    this.#lateAt = this.#options.clock.monotonic() + wait;
    if (this.#current) this.#setAlarm();
  }

  onFinding(_exchange: Exchange, finding: Finding): void {
    this.#end({ finding });
  }

  onFailure(exchange: Exchange, failure: Failure): void {
    this.#exchanges = this.#exchanges.filter(other => other !== exchange);
    this.#failed = [...this.#failed, exchange.line];
    this.#failure = failure;
    if (!this.#attempt() && this.#exchanges.length === 0) this.#end({ failure });
  }

  #attempt(): boolean {
    const server = this.#pick();
    if (!server) return false;
    this.#attempts++;
    this.#lateAt = Number.POSITIVE_INFINITY;
    this.#current = undefined;
    this.#current = server.ask(this.#options.question, this);
    this.#exchanges = this.#exchanges.length === 0 ? [this.#current] : [...this.#exchanges, this.#current];
    this.#setAlarm();
    return true;
  }

  /** The next server in turn whose window has room, else one whose queue has. */
  #pick(): Upstream | undefined {
    if (this.#attempts >= MAX_ATTEMPTS || (this.#attempts > 0 && !this.#wanted)) return undefined;
    const { servers } = this.#options;
    let waiting: Upstream | undefined;
    for (let i = 0; i < servers.length; i++) {
      const server = servers[(this.#attempts + i) % servers.length];
      if (!server || this.#failed.includes(server)) continue;
      const { obstacle } = server;
      if (obstacle !== undefined) this.#failure ??= { cause: obstacle, detail: `${server.name}: ${obstacle}` };
      else if (server.load < 1) return server;
      else waiting ??= server;
    }
    return waiting;
  }

  #setAlarm(): void {
    this.#alarm.set(Math.min(this.#lateAt, this.deadline));
  }

  #onAlarm(): void {
    const { clock, limit } = this.#options;
    if (clock.monotonic() >= this.deadline - 1) {
      this.#end({ failure: { cause: 'timeout', detail: `no answer within ${limit} ms` } });
      return;
    }
    this.#lateAt = Number.POSITIVE_INFINITY;
    this.#current?.late();
    if (!this.#attempt()) this.#setAlarm();
  }

  #end(outcome: Outcome): void {
    if (this.#ended) return;
    this.cancel();
    this.#options.onEnd(outcome);
  }
}
