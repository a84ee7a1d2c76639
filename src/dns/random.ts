/**
 * Randomness for query ids and for choosing sockets. Ids are half of what a forger must guess (RFC 5452 §9.2), so the real
 * source is the cryptographic one; it is drawn in blocks since a draw per query costs more than the query.
 */
import { randomFillSync } from 'node:crypto';

/** Fills the whole array with random numbers. */
export type Random = (into: Uint16Array) => void;

export const systemRandom: Random = into => {
  randomFillSync(into);
};

export class RandomSource {
  readonly #fill: Random;
  readonly #block = new Uint16Array(1024);
  #next = 1024;

  constructor(fill: Random) {
    this.#fill = fill;
  }

  /** 0 to 65535. */
  uint16(): number {
    if (this.#next === this.#block.length) {
      this.#fill(this.#block);
      this.#next = 0;
    }
    const value = this.#block[this.#next] ?? 0;
    this.#next++;
    return value;
  }

  /** 0 to `count` − 1; the bias for small counts is below 1 in 65536 / `count`. */
  below(count: number): number {
    return this.uint16() % count;
  }
}
