/**
 * One question put to one server, with all that belongs to it: once more without EDNS if the server doesn't understand that
 * (RFC 6891 §7), over TCP if the answer was truncated (RFC 7766 §5). Which server, and what next if it fails, is the
 * look-up's business.
 */
import type { Clock } from '../clock.ts';
import { type Question, UDP_SIZE } from './question.ts';
import type { RandomSource } from './random.ts';
import { type Failure, type Finding, type Reply, readReply, TCP_SIZE } from './reply.ts';
import type { FailureCause } from './resolver.ts';
import { MAX_WAIT } from './round-trip.ts';
import type { ServerAddress } from './servers.ts';
import { type TcpOutcome, tcpQuery } from './tcp-query.ts';
import type { Pending, UdpSocket } from './udp-socket.ts';
import type { WireLog } from './wire-log.ts';

/** Who waits for it. One of the last two is called, at most once, never from within `Upstream.ask`. */
export interface ExchangeListener {
  /** A query left now; after this many milliseconds a reply is late. May be called from within `ask`, and repeatedly. */
  onSent(exchange: Exchange, wait: number): void;
  onFinding(exchange: Exchange, finding: Finding): void;
  onFailure(exchange: Exchange, failure: Failure): void;
}

/** What an exchange needs of its server. */
export interface Line {
  readonly name: string;
  readonly server: ServerAddress;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: WireLog | undefined;
  /** Milliseconds to wait for a reply over UDP. */
  readonly wait: number;
  socket(now: number): UdpSocket;
  /** A reply came over UDP, `milliseconds` after its query. */
  replied(now: number, milliseconds: number, truncated: boolean): void;
  /** No reply came to the query of `sentAt`, for this reason. */
  silent(sentAt: number, reason: string): void;
  /** The query of `sentAt` was withdrawn before anything could be known. */
  withdrawn(sentAt: number): void;
  /** The exchange leaves the window or the queue. */
  leave(exchange: Exchange): void;
}

type State = 'queued' | 'udp' | 'tcp' | 'ended';

export class Exchange implements Pending {
  readonly line: Line;
  readonly question: Question;
  /** @internal Whether it is one of those that the server's window counts. */
  inWindow = false;
  readonly #listener: ExchangeListener;
  #state: State = 'queued';
  #late = false;
  #edns = true;
  #sentAt = 0;
  /** While a reply is waited for: where over UDP, and under which id. */
  #socket: UdpSocket | undefined;
  #id = 0;
  #withdrawTcp: (() => void) | undefined;

  constructor(line: Line, question: Question, listener: ExchangeListener) {
    this.line = line;
    this.question = question;
    this.#listener = listener;
  }

  /** @internal The window has room. */
  start(): void {
    this.#send();
  }

  /** @internal Ends with a failure of the server as a whole. */
  refuse(cause: FailureCause, detail: string): void {
    this.#end();
    this.#fail(cause, detail);
  }

  /** The wait is over: it leaves the window, but a reply is still taken. */
  late(): void {
    if (this.#state === 'ended') return;
    this.#late = true;
    if (this.#state === 'udp') this.line.silent(this.#sentAt, 'no reply');
    this.line.log?.failed(this.line.name, this.question, { cause: 'timeout', detail: 'no reply so far' });
    this.line.leave(this);
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    if (this.#state === 'udp' && !this.#late) this.line.withdrawn(this.#sentAt);
    this.#end();
  }

  /** @internal From the UDP socket. */
  onReply(message: Buffer): void {
    if (this.#state === 'ended') return;
    this.#socket = undefined;
    const now = this.line.clock.monotonic();
    const reply = readReply(message, this.question, UDP_SIZE);
    this.line.replied(now, now - this.#sentAt, reply.kind === 'truncated');
    if (reply.kind === 'truncated') this.#sendTcp();
    else if (reply.kind === 'formerr' && this.#edns) this.#sendWithoutEdns();
    else this.#conclude(reply, now);
  }

  /** @internal From the UDP socket. */
  onSocketError(error: NodeJS.ErrnoException): void {
    const reason = error.code ?? error.message;
    this.#socket = undefined;
    this.line.silent(this.#sentAt, reason);
    this.#end();
    this.#fail('refused-connection', reason);
  }

  #send(): void {
    const { clock, log, name } = this.line;
    this.#state = 'udp';
    this.#sentAt = clock.monotonic();
    this.#socket = this.line.socket(this.#sentAt);
    this.#id = this.#socket.send(this, this.#edns);
    log?.asked(name, this.question, this.#edns ? 'udp' : 'udp without EDNS');
    this.#listener.onSent(this, this.line.wait);
  }

  #sendWithoutEdns(): void {
    this.#edns = false;
    this.#send();
  }

  #sendTcp(): void {
    const { clock, log, name, random, server } = this.line;
    this.#state = 'tcp';
    this.#sentAt = clock.monotonic();
    this.#withdrawTcp = tcpQuery(server, this.question, random.uint16(), this.#edns, outcome => this.#onTcp(outcome));
    log?.asked(name, this.question, 'tcp');
    this.#listener.onSent(this, MAX_WAIT);
  }

  #onTcp(outcome: TcpOutcome): void {
    this.#withdrawTcp = undefined;
    if ('message' in outcome) {
      this.#conclude(readReply(outcome.message, this.question, TCP_SIZE), this.line.clock.monotonic());
    } else {
      this.#end();
      this.#fail('truncated', `truncated, and over TCP ${outcome.error}`);
    }
  }

  #conclude(reply: Reply, now: number): void {
    this.#end();
    if (reply.kind === 'finding') {
      this.line.log?.found(this.line.name, this.question, reply.finding, now - this.#sentAt);
      this.#listener.onFinding(this, reply.finding);
    } else if (reply.kind === 'failure') this.#fail(reply.failure.cause, reply.failure.detail);
    else if (reply.kind === 'truncated') this.#fail('truncated', 'truncated even over TCP');
    else this.#fail('rcode', 'FORMERR');
  }

  #fail(cause: FailureCause, what: string): void {
    const failure = { cause, detail: `${this.line.name}: ${what}` };
    this.line.log?.failed(this.line.name, this.question, failure);
    this.#listener.onFailure(this, failure);
  }

  #end(): void {
    this.#state = 'ended';
    this.#socket?.forget(this.#id);
    this.#socket = undefined;
    this.#withdrawTcp?.();
    this.#withdrawTcp = undefined;
    this.line.leave(this);
  }
}
