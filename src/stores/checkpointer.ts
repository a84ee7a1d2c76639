/**
 * Sees to it that the write-ahead log of a database stays small, by asking a worker thread (`checkpoint-worker.ts`) for
 * checkpoints as pages are written. The thread starts with the first.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from '../log/logger.ts';
import type { CheckpointResult, CheckpointWork } from './checkpoint-worker.ts';

export interface CheckpointerOptions {
  readonly path: string;
  /** Gives a descriptor of the database file, which stays open for as long as this is not closed. */
  readonly descriptor: () => number;
  readonly logger: Logger;
  /** The thread is gone and does not return: the database has to do checkpoints by itself. */
  readonly onLost: () => void;
}

/** A checkpoint is asked for when this many pages were written: some 8 MB of log. */
const PAGES = 2_000;
/** Frames in the log, 256 MB, from which on someone must be keeping it from starting anew. */
const MANY_FRAMES = 65_536;

/** Besides the database library it needs next to nothing. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #worker: Worker | undefined;
  #pages = 0;
  #running = false;
  #troubled = false;
  #ended = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
  }

  /** Counts pages that were written since the last call. */
  wrote(pages: number): void {
    this.#pages += pages;
    if (this.#pages < PAGES || this.#running || this.#ended) return;
    this.#pages = 0;
    this.#running = true;
    this.#worker ??= this.#start();
    this.#worker.postMessage('checkpoint');
  }

  /** Resolves when the thread has closed its connection. */
  async close(): Promise<void> {
    this.#ended = true;
    const worker = this.#worker;
    this.#worker = undefined;
    if (!worker) return;
    worker.ref();
    const exited = new Promise<unknown>(resolve => worker.once('exit', resolve));
    worker.postMessage('close');
    await exited;
  }

  #start(): Worker {
    const { path, descriptor } = this.#options;
    const workerData: CheckpointWork = { path, descriptor: descriptor() };
    const file = new URL(`./checkpoint-worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(file, { workerData, resourceLimits: RESOURCE_LIMITS });
    worker.on('message', (result: CheckpointResult) => this.#done(result));
    worker.on('error', error => this.#lost(error));
    worker.unref(); // after the listeners: each of them keeps the process
    return worker;
  }

  #done(result: CheckpointResult): void {
    this.#running = false;
    const trouble = troubleOf(result);
    if (trouble !== undefined && !this.#troubled) {
      this.#options.logger.warn('the write-ahead log does not get shorter', {
        file: this.#options.path,
        cause: trouble,
      });
    }
    this.#troubled = trouble !== undefined;
  }

  #lost(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker = undefined;
    const cause = error instanceof Error ? error.message : String(error);
    this.#options.logger.warn('checkpoints have lost their thread and go on without', {
      file: this.#options.path,
      cause,
    });
    this.#options.onLost();
  }
}

function troubleOf(result: CheckpointResult): string | undefined {
  if ('error' in result) return result.error;
  if (result.frames < MANY_FRAMES) return undefined;
  return `${result.frames} pages wait; another process may be reading the database for long`;
}
