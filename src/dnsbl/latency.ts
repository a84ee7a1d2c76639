/**
 * How long a zone takes to answer: the 95th percentile of its last answers, for hedging and for patience with stragglers.
 */

/** Answers remembered, and needed before they say anything. */
const size = 64;
const enough = 50;
/** The percentile is computed anew after this many answers. */
const every = 8;

export class Latency {
  readonly #samples = new Float64Array(size);
  #count = 0;
  #p95: number | undefined;

  /** One answer's time in milliseconds. */
  add(milliseconds: number): void {
    this.#samples[this.#count % size] = milliseconds;
    this.#count++;
    if (this.#count < enough || (this.#p95 !== undefined && this.#count % every !== 0)) return;
    const sorted = this.#samples.slice(0, Math.min(this.#count, size)).sort();
    this.#p95 = sorted[Math.ceil(sorted.length * 0.95) - 1];
  }

  /** After how many milliseconds without an answer the next zone is asked as well: p95 from 50 to 250, 100 at first. */
  get hedge(): number {
    return this.#p95 === undefined ? 100 : Math.min(250, Math.max(50, this.#p95));
  }

  /** After how many milliseconds nobody waits for this zone alone any more. */
  get patience(): number {
    return this.#p95 === undefined ? 500 : Math.max(500, 3 * this.#p95);
  }
}
