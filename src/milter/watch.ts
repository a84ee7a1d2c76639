/**
 * The watch over one session's time: how long the peer may be silent, and how long a handler may think.
 */
import type { Timeouts } from './filter.ts';

/** The MTA's clock at end of message starts again with each PROGRESS; Sendmail's runs 10 s. */
const PROGRESS_EVERY = 5_000;

export type Alarm = 'none' | 'peer' | 'handler' | 'progress';

export class Watch {
  readonly #timeouts: Timeouts;
  readonly #monotonic: () => number;
  #deadline: number;
  #nextProgress = Number.POSITIVE_INFINITY;
  #handler = false;

  constructor(timeouts: Timeouts, monotonic: () => number) {
    this.#timeouts = timeouts;
    this.#monotonic = monotonic;
    this.#deadline = monotonic() + timeouts.packet;
  }

  /** A handler has begun. */
  handlerBegins(atEnd: boolean): void {
    const now = this.#monotonic();
    this.#handler = true;
    this.#deadline = now + (atEnd ? this.#timeouts.endOfMessage : this.#timeouts.handler);
    this.#nextProgress = atEnd ? now + PROGRESS_EVERY : Number.POSITIVE_INFINITY;
  }

  /**
   * The peer has the word.
   * @param amid it is in the middle of a packet.
   * @param advanced the packet before was complete: more bytes of a packet already begun buy no time.
   */
  peerBegins(amid: boolean, advanced: boolean): void {
    const limit = this.#monotonic() + (amid ? this.#timeouts.packet : this.#timeouts.idle);
    this.#deadline = amid && !advanced && !this.#handler ? Math.min(limit, this.#deadline) : limit;
    this.#handler = false;
  }

  /** What is due. `progress` is due again later. */
  look(): Alarm {
    const now = this.#monotonic();
    if (now >= this.#deadline) return this.#handler ? 'handler' : 'peer';
    if (!this.#handler || now < this.#nextProgress) return 'none';
    this.#nextProgress = now + PROGRESS_EVERY;
    return 'progress';
  }
}
