/**
 * The way of lines to the log. A line that comes after a pause is written at the end of its event-loop turn; those that follow are
 * gathered for some milliseconds or KiB and leave with one system call, so that a busy second costs no call a line. Who kills
 * the process with SIGKILL loses those milliseconds of lines; every other end writes them (`flushNow`).
 *
 * Whatever becomes of the reader, nobody here waits or throws: with a full pipe (EAGAIN) lines are kept up to a limit and written
 * later; with a closed pipe, a full disk or any other fault they are dropped. Dropped lines are counted, and the first thing said
 * when writing works again is how many.
 */
import type { Timers } from '../clock.ts';

export interface LineBufferOptions {
  /** Writes what it can without waiting and returns the number of bytes; throws errors with a `code` as `fs.writeSync` does. */
  readonly write: (bytes: Uint8Array) => number;
  /** The line, ending in a line feed, that tells of `dropped` lines that were lost because of `cause` (an error code). */
  readonly notice: (dropped: number, cause: string) => string;
  readonly timers: Timers;
  /** Characters kept while nothing can be written; default 1 Mi. */
  readonly limit?: number;
}

interface Chunk {
  readonly bytes: Uint8Array;
  written: number;
  /** 1 if it begins with a line feed that ends what a fault cut off, else 0. */
  readonly prefix: 0 | 1;
  /** How many dropped lines this chunk tells of; 0 if it holds lines of the log. */
  readonly notice: number;
}

/** Milliseconds after a write for which lines are gathered, and the characters from which on nobody waits for more. */
const GATHER = 5;
const GATHER_CHARACTERS = 16_384;
/** Milliseconds until the next attempt: after a full pipe at first, doubled up to; and after a fault. */
const RETRY_FULL = 2;
const RETRY_FULL_MAX = 64;
const RETRY_FAULT = 1_000;
/** At the end a full pipe gets this many pauses of `FINAL_PAUSE` milliseconds to drain. */
const FINAL_TRIES = 20;
const FINAL_PAUSE = 10;
const LINE_FEED = 10;
const FULL = 'EAGAIN';

export class LineBuffer {
  readonly #options: LineBufferOptions;
  readonly #limit: number;
  #lines = '';
  #chunk: Chunk | undefined;
  #scheduled = false;
  #cancelGathering: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #patience = RETRY_FULL;
  #dropped = 0;
  #unreported = 0;
  #cause = '';
  #insideLine = false;

  constructor(options: LineBufferOptions) {
    this.#options = options;
    this.#limit = options.limit ?? 1 << 20;
  }

  /** Lines lost since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a line, which ends in a line feed. It is written soon. */
  write(line: string): void {
    if (this.#lines.length + line.length > this.#limit) {
      this.#drop(1, this.#cause || FULL);
      return;
    }
    this.#lines += line;
    if (this.#scheduled || this.#cancelRetry) return;
    if (this.#cancelGathering && this.#lines.length < GATHER_CHARACTERS) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  /** Writes all there is, now: for the end of the process. A full pipe holds it up for a fifth of a second at most. */
  flushNow(): void {
    for (let tries = 0; ; tries++) {
      this.#cancelRetry?.();
      this.#flush();
      if (!this.#chunk || tries === FINAL_TRIES) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FINAL_PAUSE);
    }
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#cancelGathering?.();
    this.#cancelGathering = undefined;
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#cancelRetry = undefined;
    for (let chunk = this.#next(); chunk; chunk = this.#next()) {
      let written = 0;
      try {
        written = this.#options.write(chunk.bytes.subarray(chunk.written));
      } catch (error) {
        this.#failed(chunk, (error as NodeJS.ErrnoException).code ?? String(error));
        return;
      }
      if (written === 0) {
        this.#failed(chunk, FULL);
        return;
      }
      chunk.written += written;
      this.#patience = RETRY_FULL;
      if (chunk.written < chunk.bytes.length) continue;
      this.#unreported -= chunk.notice;
      this.#insideLine = false;
      this.#chunk = undefined;
    }
    this.#cause = '';
    this.#cancelGathering?.();
    this.#cancelGathering = this.#options.timers.after(GATHER, this.#gathered);
  };

  readonly #gathered = (): void => {
    this.#cancelGathering = undefined;
    if (this.#lines !== '' && !this.#cancelRetry) this.#flush();
  };

  /** What to write next: the rest of the last chunk, then the lines that wait, then the tale of those that were lost. */
  #next(): Chunk | undefined {
    if (this.#chunk) return this.#chunk;
    let text = this.#lines;
    let notice = 0;
    if (text !== '') {
      this.#lines = '';
    } else if (this.#unreported > 0) {
      notice = this.#unreported;
      text = this.#options.notice(notice, this.#cause);
    } else {
      return undefined;
    }
    const prefix = this.#insideLine ? 1 : 0;
    this.#chunk = { bytes: Buffer.from(prefix === 1 ? `\n${text}` : text), written: 0, prefix, notice };
    return this.#chunk;
  }

  #failed(chunk: Chunk, code: string): void {
    const full = code === FULL || code === 'EINTR';
    if (!full) {
      this.#drop(chunk.notice === 0 ? linesIn(chunk) : 0, code);
      this.#insideLine ||= chunk.written > 0 && chunk.bytes[chunk.written - 1] !== LINE_FEED;
      this.#chunk = undefined;
    }
    this.#cancelRetry = this.#options.timers.after(full ? this.#patience : RETRY_FAULT, this.#flush);
    this.#patience = Math.min(this.#patience * 2, RETRY_FULL_MAX);
  }

  #drop(lines: number, cause: string): void {
    this.#dropped += lines;
    this.#unreported += lines;
    this.#cause = cause;
  }
}

/** How many lines of a chunk have not been written to their end. */
function linesIn(chunk: Chunk): number {
  let lines = 0;
  for (let at = Math.max(chunk.written, chunk.prefix); at < chunk.bytes.length; at++)
    if (chunk.bytes[at] === LINE_FEED) lines++;
  return lines;
}
