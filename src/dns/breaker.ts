/**
 * A server's breaker: while it is open nothing is sent to it but a few probes, at growing intervals (RFC 9520 §3.2: failures
 * are remembered from 1 s up to 5 min, with exponential backoff). Any reply closes it.
 *
 * A name that takes for ever, because its own servers are dead, says nothing about the resolver that looks for them. So a
 * failure counts only if the server has been silent to everything since the failed query was sent, and some of them in a row, or
 * a failed probe, only bring the server under suspicion. Whoever uses the breaker then asks it something that it must answer
 * (`control-question.ts`) and opens the breaker if even that brings no reply. All times in milliseconds of the monotonic clock.
 */

const THRESHOLD = 5;
const FIRST_PAUSE = 1_000;
const MAX_PAUSE = 300_000;
const MAX_PROBES = 3;

export class Breaker {
  #failures = 0;
  #suspected = false;
  #open = false;
  #pause = 0;
  #openUntil = 0;
  #probes = 0;
  #lastReply = Number.NEGATIVE_INFINITY;

  /** Whether a query may be sent now. */
  allows(now: number): boolean {
    return !this.#open || (now >= this.#openUntil && this.#probes < MAX_PROBES);
  }

  /** A query was sent. */
  sent(): void {
    if (this.#open) this.#probes++;
  }

  /** The query sent at `sentAt` was given up before it could tell anything. */
  withdrawn(sentAt: number): void {
    if (this.#open && sentAt >= this.#openUntil) this.#probes--;
  }

  /** The server replied, whatever it said. Returns whether that closed the breaker. */
  replied(now: number): boolean {
    this.#lastReply = now;
    this.#failures = 0;
    this.#suspected = false;
    if (!this.#open) return false;
    this.#open = false;
    this.#pause = 0;
    return true;
  }

  /** Whether the server replied to anything since. */
  heardSince(then: number): boolean {
    return this.#lastReply >= then;
  }

  /** The query sent at `sentAt` failed. Returns whether that brought the server under suspicion. */
  failed(sentAt: number): boolean {
    if (this.#suspected || this.heardSince(sentAt)) return false;
    if (this.#open ? sentAt < this.#openUntil : ++this.#failures < THRESHOLD) return false;
    this.#suspected = true;
    return true;
  }

  /**
   * The server, if still under suspicion, said nothing to the control question either. Returns the pause in milliseconds if that
   * opened the breaker; undefined if it was open already or nothing is suspected.
   */
  confirm(now: number): number | undefined {
    if (!this.#suspected) return undefined;
    const reopened = this.#open;
    this.#suspected = false;
    this.#open = true;
    this.#pause = Math.min(MAX_PAUSE, this.#pause === 0 ? FIRST_PAUSE : this.#pause * 2);
    this.#openUntil = now + this.#pause;
    this.#probes = 0;
    return reopened ? undefined : this.#pause;
  }
}
