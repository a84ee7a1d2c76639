/**
 * How long a server takes to reply, smoothed as TCP does it (RFC 6298 §2), and how long to wait for it before asking again.
 * Every attempt has an id of its own, so a late reply is told from the reply to a later attempt and counts as well.
 */

/** Milliseconds: the bounds of the wait, and the wait before anything was measured. */
const MIN_WAIT = 200;
export const MAX_WAIT = 800;
const FIRST_WAIT = 400;

export class RoundTrip {
  #smoothed: number | undefined;
  #deviation = 0;

  /** Smoothed milliseconds; undefined before the first sample. */
  get smoothed(): number | undefined {
    return this.#smoothed;
  }

  /** Milliseconds to wait for a reply before the next attempt. */
  get wait(): number {
    if (this.#smoothed === undefined) return FIRST_WAIT;
    return Math.min(MAX_WAIT, Math.max(MIN_WAIT, this.#smoothed + 4 * this.#deviation));
  }

  /** Takes in one measured round trip, or the time waited in vain. */
  sample(milliseconds: number): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = milliseconds;
      this.#deviation = milliseconds / 2;
    } else {
      this.#deviation += (Math.abs(this.#smoothed - milliseconds) - this.#deviation) / 4;
      this.#smoothed += (milliseconds - this.#smoothed) / 8;
    }
  }
}
