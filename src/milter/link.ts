/**
 * A session on a byte stream: the one file that reads and writes a socket. Replies of one read leave in one write; a peer that
 * does not read its replies, or sends faster than handlers answer, is not read from.
 */
import type { Duplex } from 'node:stream';
import type { Plan } from './plan.ts';
import { Session, type SessionEnvironment, type Wire } from './session.ts';

/** Received bytes that may wait for a handler before reading stops. */
const MOST_BACKLOG = 262_144;

export class Link implements Wire {
  readonly session: Session;
  readonly #stream: Duplex;
  readonly #patience: number;
  readonly #environment: SessionEnvironment;
  #stalledSince: number | undefined;
  #closing = false;

  /** @param onClose called once, when the stream is gone. */
  constructor(stream: Duplex, plan: Plan, environment: SessionEnvironment, onClose: (link: Link) => void) {
    this.#stream = stream;
    this.#patience = plan.timeouts.packet;
    this.#environment = environment;
    this.session = new Session(plan, this, environment);
    stream.on('data', (chunk: Buffer) => {
      this.session.receive(chunk);
      if (this.session.backlog > MOST_BACKLOG) stream.pause();
    });
    stream.on('end', () => this.session.disconnect());
    // ECONNRESET and EPIPE are how MTAs hang up; 'close' follows.
    stream.on('error', () => {});
    stream.on('close', () => {
      this.session.disconnect();
      onClose(this);
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#closing) return;
    if (this.#stream.write(bytes)) {
      if (this.#stream.isPaused() && this.session.backlog <= MOST_BACKLOG) this.#stream.resume();
    } else if (this.#stalledSince === undefined) {
      this.#stalledSince = this.#environment.monotonic();
      this.#stream.pause();
      this.#stream.once('drain', () => {
        this.#stalledSince = undefined;
        if (this.session.backlog <= MOST_BACKLOG) this.#stream.resume();
      });
    }
  }

  close(): void {
    this.#closing = true;
    if (this.#stream.writableLength === 0) this.#stream.destroy();
    else this.#stream.end(() => this.#stream.destroy());
  }

  /** To be called every now and then. */
  tick(): void {
    this.session.tick();
    const stalled = this.#stalledSince;
    if (stalled !== undefined && this.#environment.monotonic() - stalled > this.#patience) this.destroy();
  }

  /** Ends it at once; the MTA does what it does when a filter is gone. */
  destroy(): void {
    this.session.disconnect();
    this.#stream.destroy();
  }
}
