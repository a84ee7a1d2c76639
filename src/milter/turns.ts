/**
 * Whose turn it is. Links that have been sent more than fits into one go line up here, and only some of them go on in each
 * round of the event loop, however many wait. In between, the loop takes what others send, and new connections: of those
 * it takes one a round, so rounds must stay short.
 */
const LINKS_A_ROUND = 8;

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #scheduled = false;
  readonly #round = (): void => {
    this.#scheduled = false;
    const first = this.#waiting.splice(0, LINKS_A_ROUND);
    this.#schedule();
    for (const run of first) run();
  };

  /** Calls `run` when its turn has come. */
  lineUp(run: () => void): void {
    this.#waiting.push(run);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(this.#round);
  }
}
