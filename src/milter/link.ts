/**
 * A session on a byte stream: the one file that reads and writes a socket. Replies of one read leave in one write; a peer that
 * does not read its replies, or sends faster than handlers answer, is not read from.
 */
import type { Duplex } from 'node:stream';
import type { Plan } from './plan.ts';
import type { Listed } from './roster.ts';
import { Session, type SessionEnvironment, type Wire } from './session.ts';
import type { Turns } from './turns.ts';

/** Received bytes that may wait for a handler before reading stops. */
const MOST_BACKLOG = 262_144;

/** What the links of a milter share. */
export interface LinkEnvironment extends SessionEnvironment {
  readonly turns: Turns;
}

export class Link implements Wire, Listed {
  place = -1;
  readonly session: Session;
  readonly #stream: Duplex;
  readonly #patience: number;
  readonly #environment: LinkEnvironment;
  readonly #onClose: (link: Link) => void;
  /** Since when the peer has not read what was written. */
  #stalledSince: number | undefined;
  #closing = false;
  /** The session waits for its next turn. */
  #resting = false;
  readonly #goOn = (): void => {
    if (!this.#resting || this.full) return;
    this.#resting = false;
    this.session.goOn();
    this.#regulate();
  };

  /** @param onClose called when the stream is gone or given up. */
  constructor(stream: Duplex, plan: Plan, environment: LinkEnvironment, onClose: (link: Link) => void) {
    this.#stream = stream;
    this.#patience = plan.timeouts.packet;
    this.#environment = environment;
    this.#onClose = onClose;
    this.session = new Session(plan, this, environment);
    stream.on('data', (chunk: Buffer) => {
      this.session.receive(chunk);
      this.#regulate();
    });
    stream.on('drain', () => {
      this.#stalledSince = undefined;
      this.#goOn();
      this.#regulate();
    });
    stream.on('end', () => this.session.disconnect());
    // ECONNRESET and EPIPE are how MTAs hang up; 'close' follows.
    stream.on('error', nothing);
    stream.on('close', () => {
      this.session.disconnect();
      onClose(this);
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#closing) return;
    if (!this.#stream.write(bytes)) this.#stalledSince ??= this.#environment.monotonic();
    this.#regulate();
  }

  get full(): boolean {
    return this.#stalledSince !== undefined;
  }

  rest(): void {
    this.#resting = true;
    this.#regulate();
    this.#environment.turns.lineUp(this.#goOn);
  }

  close(): void {
    this.#closing = true;
    if (this.#stream.writableLength === 0) {
      this.#stream.destroy();
    } else {
      this.#stalledSince ??= this.#environment.monotonic();
      this.#stream.end(() => this.#stream.destroy());
    }
  }

  /** To be called every now and then. */
  tick(): void {
    this.session.tick();
    const stalled = this.#stalledSince;
    if (stalled !== undefined && this.#environment.monotonic() - stalled >= this.#patience) this.destroy();
  }

  /** Ends it at once; the MTA does what it does when a filter is gone. */
  destroy(): void {
    this.session.disconnect();
    this.#stream.destroy();
    this.#onClose(this);
  }

  #regulate(): void {
    const hold = this.full || this.#resting || this.session.backlog > MOST_BACKLOG;
    if (hold === this.#stream.isPaused()) return;
    if (hold) this.#stream.pause();
    else this.#stream.resume();
  }
}

function nothing(): void {}
