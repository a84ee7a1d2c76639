/**
 * The first few: counts what comes from each network in one table for all, so that the thousands of networks of which little
 * comes cost no memory of their own. Networks may share a place in the table: then each is taken for having brought what both
 * did. For that, a count is only good for deciding whom to count by itself.
 */

/** 256 KB. */
const PLACES = 1 << 16;

export class FirstFew {
  readonly #window: number;
  readonly #counts = new Uint32Array(PLACES);
  #since = Number.NEGATIVE_INFINITY;

  /** @param window milliseconds after which counting starts anew */
  constructor(window: number) {
    this.#window = window;
  }

  /** Counts one more at `now`, monotonic milliseconds; tells how many that makes. */
  add(network: string, now: number): number {
    if (now - this.#since >= this.#window) {
      this.#since = now;
      this.#counts.fill(0);
    }
    let hash = 0x811c9dc5;
    for (let index = 0; index < network.length; index++) {
      hash = Math.imul(hash ^ network.charCodeAt(index), 0x01000193);
    }
    const place = (hash ^ (hash >>> 16)) & (PLACES - 1);
    const count = (this.#counts[place] ?? 0) + 1;
    this.#counts[place] = count;
    return count;
  }
}
