/**
 * Watches how many replies of a server are truncated. Blocklist answers fit a datagram with room to spare, so many
 * truncated ones mean that something between us and the server meddles; each of them costs a TCP connection.
 */
import type { Logger } from '../log/logger.ts';

const SAMPLE = 1_000;
const LIMIT = SAMPLE / 100;
const SILENCE = 3_600_000;

export class TruncationWatch {
  readonly #server: string;
  readonly #logger: Logger;
  #replies = 0;
  #truncated = 0;
  #quietUntil = Number.NEGATIVE_INFINITY;

  constructor(server: string, logger: Logger) {
    this.#server = server;
    this.#logger = logger;
  }

  /** Counts a reply; warns after each thousand with more than 1 % truncated, at most once an hour. */
  count(truncated: boolean, now: number): void {
    if (truncated) this.#truncated++;
    if (++this.#replies < SAMPLE) return;
    if (this.#truncated > LIMIT && now >= this.#quietUntil) {
      this.#quietUntil = now + SILENCE;
      this.#logger.warn('many DNS replies are truncated', {
        server: this.#server,
        replies: this.#replies,
        truncated: this.#truncated,
      });
    }
    this.#replies = 0;
    this.#truncated = 0;
  }
}
