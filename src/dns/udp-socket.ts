/**
 * One connected UDP socket and the queries in flight on it. Connected, so that the kernel drops what other hosts send and
 * reports a refused port at once; with ids unique per socket, so that a reply belongs to one question.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { Inbox } from './inbox.ts';
import { encodeQuery, type Question } from './question.ts';
import type { RandomSource } from './random.ts';
import { repliesTo } from './reply.ts';
import type { ServerAddress } from './servers.ts';

/** Replies of many queries may wait here while the event loop is busy. */
const RECEIVE_BUFFER = 1 << 20;

/** A query in flight. One of the two is called, at most once, never from within `send`. */
export interface Pending {
  readonly question: Question;
  /** May still come after the query was forgotten. */
  onReply(message: Buffer): void;
  onSocketError(error: NodeJS.ErrnoException): void;
}

export class UdpSocket {
  /** How many queries were sent. */
  sent = 0;
  /** Resolves when the socket is gone. */
  readonly closed: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  readonly #random: RandomSource;
  readonly #inbox: Inbox;
  readonly #socket: Socket;
  #unsent: Buffer[] | undefined = []; // until connected
  #retired = false;
  #closing = false;
  #failure: NodeJS.ErrnoException | undefined;

  constructor(server: ServerAddress, random: RandomSource, inbox: Inbox) {
    this.#random = random;
    this.#inbox = inbox;
    this.#socket = createSocket({
      type: server.family === 4 ? 'udp4' : 'udp6',
      recvBufferSize: RECEIVE_BUFFER,
      // The address is literal: nothing to look up, and no turn of the event loop lost on it.
      lookup: (address, _options, done) => done(null, address, server.family),
    });
    this.closed = new Promise(resolve => this.#socket.once('close', resolve));
    this.#socket.on('message', message => this.#onMessage(message));
    this.#socket.on('error', error => this.#fail(error));
    this.#socket.on('connect', () => this.#onConnect());
    this.#socket.unref(); // look-ups hold the process with their timers; an idle socket does not
    try {
      this.#socket.connect(server.port, server.address);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Whether it has ended by an error. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Sends a query and returns its id. */
  send(pending: Pending, edns: boolean): number {
    let id = this.#random.uint16();
    while (this.#pending.has(id)) id = this.#random.uint16();
    this.#pending.set(id, pending);
    this.sent++;
    const query = encodeQuery(pending.question, id, edns);
    if (this.#failure) process.nextTick(() => this.#failPending());
    else if (this.#unsent) this.#unsent.push(query);
    else this.#socket.send(query, this.#onSent);
    return id;
  }

  /** Forgets a query: its reply would be dropped. */
  forget(id: number): void {
    this.#pending.delete(id);
    this.#closeIfDone();
  }

  /** Takes no more queries; closes after the last reply. */
  retire(): void {
    this.#retired = true;
    this.#closeIfDone();
  }

  /** Closes now, without a word to the queries in flight. */
  close(): Promise<void> {
    this.#pending.clear();
    this.retire();
    return this.closed;
  }

  #onConnect(): void {
    if (this.#closing) return; // the event was on its way already
    const unsent = this.#unsent ?? [];
    this.#unsent = undefined;
    for (const query of unsent) this.#socket.send(query, this.#onSent);
  }

  readonly #onSent = (error: Error | null): void => {
    if (error) this.#fail(error);
  };

  #onMessage(message: Buffer): void {
    if (message.length < 2) return;
    const id = message.readUInt16BE(0);
    const pending = this.#pending.get(id);
    if (!pending || !repliesTo(message, pending.question)) return;
    this.#pending.delete(id);
    this.#inbox.put(pending, message);
    this.#closeIfDone();
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#failure ??= error;
    this.#retired = true;
    this.#failPending();
  }

  #failPending(): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#closeIfDone();
    for (const query of pending) query.onSocketError(this.#failure ?? new Error('socket closed'));
  }

  #closeIfDone(): void {
    if (!this.#retired || this.#pending.size > 0 || this.#closing) return;
    this.#closing = true;
    this.#socket.close();
  }
}
