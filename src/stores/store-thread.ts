/**
 * The store's thread, seen from the serving thread: hands it attempts and settles them when it answers. While it works on a batch
 * the next one gathers, so batches are as large as the load is high.
 *
 * If the thread is lost, or told to end, whatever it has not answered is judged on the serving thread instead. Should it have been
 * stored already, it is an early retry then, and has to wait no longer for that.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Judgement, Question } from '../greylist/attempt.ts';
import { StoreError, type Triplet } from '../greylist/store.ts';
import type { Logger } from '../log/logger.ts';
import type { Chore, Swept } from './chores.ts';
import { ANSWER_SIZE, answerAt, type Order, putAttempt, type Report, type StoreWork } from './thread-messages.ts';

export interface StoreThreadOptions {
  readonly work: StoreWork;
  readonly logger: Logger;
  /** Counts pages that were written. */
  readonly wrote: (pages: number) => void;
  /** SQLite found the file corrupt. */
  readonly onCorrupt: () => void;
  /** Does the work of a thread that is gone. */
  readonly instead: {
    judge(triplet: Triplet, question: Question): Promise<Judgement>;
    chore(chore: Chore): Promise<Swept>;
  };
}

interface Pending {
  readonly triplet: Triplet;
  readonly question: Question;
  readonly resolve: (judgement: Judgement | Promise<Judgement>) => void;
  readonly reject: (error: StoreError) => void;
}

interface PendingChore {
  readonly chore: Chore;
  readonly resolve: (swept: Swept | Promise<Swept>) => void;
  readonly reject: (error: StoreError) => void;
}

/** Attempts that wait at most. More only gather if the disk hangs, and then the greylist's deadline has long passed. */
const MOST_PENDING = 20_000;
/** It holds a batch or two at a time. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

export class StoreThread {
  readonly #options: StoreThreadOptions;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #started = Promise.withResolvers<void>();
  /** By ticket. Not a `Map`: see docs/decisions/0070-memory-under-churn.md. */
  readonly #pending: (Pending | undefined)[] = [];
  readonly #tickets: number[] = [];
  #attempts: unknown[] = [];
  /** In the order in which they were handed over. */
  #chores: PendingChore[] = [];
  /** Attempts and chores that are not settled. Only as long as there are any is the thread a reason for the process to stay. */
  #open = 0;
  #ready = false;
  #scheduled = false;
  /** A batch is on its way and has not been worked on yet. */
  #underWay = false;
  #ending = false;

  constructor(options: StoreThreadOptions) {
    this.#options = options;
    const file = new URL(`./store-worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(file, { workerData: options.work, resourceLimits: RESOURCE_LIMITS });
    this.#worker = worker;
    worker.on('message', (report: Report) => this.#heard(report));
    worker.on('error', error => this.#lost(error));
    this.#exited = new Promise(resolve => {
      worker.once('exit', code => {
        this.#lost(new Error(`it ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Resolves when it takes orders, or is known never to do so. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Whether it takes orders. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Resolves when the change is committed; rejects with `StoreError` if that failed, and then nothing is stored. */
  judge(triplet: Triplet, question: Question): Promise<Judgement> {
    if (this.#open >= MOST_PENDING) return Promise.reject(this.#overwhelmed());
    return new Promise((resolve, reject) => {
      const free = this.#tickets.pop();
      const ticket = free ?? this.#pending.length;
      this.#pending[ticket] = { triplet, question, resolve, reject };
      this.#opened();
      putAttempt(this.#attempts, ticket, triplet, question);
      if (this.#scheduled || this.#underWay) return;
      this.#scheduled = true;
      setImmediate(this.#send);
    });
  }

  /** Rejects with `StoreError` if it could not be done. */
  chore(chore: Chore): Promise<Swept> {
    return new Promise((resolve, reject) => {
      this.#chores.push({ chore, resolve, reject });
      this.#opened();
      this.#order({ chore });
    });
  }

  /** Resolves when it has closed its connection; what it has not answered by then is judged instead. */
  close(): Promise<void> {
    if (!this.#ending) {
      this.#ending = true;
      this.#ready = false;
      this.#worker.ref();
      this.#send();
      this.#order('close');
    }
    return this.#exited;
  }

  readonly #send = (): void => {
    this.#scheduled = false;
    if (this.#attempts.length === 0) return;
    this.#underWay = true;
    this.#order({ judge: this.#attempts });
    this.#attempts = [];
  };

  #order(order: Order): void {
    this.#worker.postMessage(order);
  }

  #heard({ ready, settled = [], wrote = 0, done, ended, corrupt }: Report): void {
    if (ready) this.#start();
    for (let at = 0; at < settled.length; at += ANSWER_SIZE) this.#settle(settled, at);
    this.#options.wrote(wrote);
    if (ended !== undefined) this.#end(ended);
    if (corrupt) this.#options.onCorrupt();
    if (!done) return;
    this.#underWay = false;
    this.#send();
  }

  #start(): void {
    this.#ready = !this.#ending;
    this.#started.resolve();
    if (this.#open === 0 && this.#ready) this.#worker.unref();
  }

  #opened(): void {
    if (this.#open++ === 0) this.#worker.ref();
  }

  #closed(): void {
    if (--this.#open === 0 && this.#ready) this.#worker.unref();
  }

  #settle(settled: readonly unknown[], at: number): void {
    const { ticket, answer } = answerAt(settled, at);
    const pending = this.#pending[ticket];
    this.#pending[ticket] = undefined;
    this.#tickets.push(ticket);
    this.#closed();
    if (typeof answer === 'string') pending?.reject(new StoreError(answer));
    else pending?.resolve(answer);
  }

  #end(result: NonNullable<Report['ended']>): void {
    const pending = this.#chores.shift();
    this.#closed();
    if ('error' in result) pending?.reject(new StoreError(result.error));
    else pending?.resolve(result);
  }

  #overwhelmed(): StoreError {
    return new StoreError(`${this.#options.work.path}: ${this.#open} changes wait for the disk`);
  }

  /** Called once or twice when it ends, whatever for. */
  #lost(error: unknown): void {
    if (!this.#ending) {
      const { logger, work } = this.#options;
      const cause = error instanceof Error ? error.message : String(error);
      logger.warn('the store has lost its thread and goes on without', { file: work.path, cause });
    }
    this.#ending = true;
    this.#start();
    this.#attempts = [];
    const { instead } = this.#options;
    for (const pending of this.#pending.splice(0)) {
      pending?.resolve(instead.judge(pending.triplet, pending.question));
    }
    for (const { chore, resolve } of this.#chores.splice(0)) resolve(instead.chore(chore));
  }
}
