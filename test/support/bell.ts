/**
 * A bell: rung when something may have changed, so that whoever waits for something looks again.
 */

/**
 * Milliseconds that tests wait for what must come: so long that only a defect makes them wait in vain, on a busy machine too.
 */
export const PATIENCE = 60_000;

export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Looks now and after each ring until `look` finds something; undefined if that took longer than `timeout` milliseconds. */
  async until<T>(look: () => T | undefined, timeout: number): Promise<T | undefined> {
    const end = performance.now() + timeout;
    for (;;) {
      const found = look();
      if (found !== undefined || performance.now() >= end) return found;
      await this.#heard(end - performance.now());
    }
  }

  #heard(timeout: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, timeout);
      this.#waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
