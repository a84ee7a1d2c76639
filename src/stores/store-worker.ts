/**
 * The store's thread: judges attempts beside the rows, stores what follows, and does the chores, on a connection of its own. The
 * serving thread hands over what has gathered while the last batch was committed, so each order is one transaction.
 * `workerData` and messages: see `thread-messages.ts`.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock, systemTimers } from '../clock.ts';
import { judgeAttempt } from '../greylist/attempt.ts';
import { type Chore, Chores } from './chores.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { isCorrupt, storeError } from './sqlite-error.ts';
import {
  ATTEMPT_SIZE,
  attemptAt,
  type Order,
  putFailure,
  putJudgement,
  type Report,
  type StoreWork,
} from './thread-messages.ts';
import { UpdateQueue } from './update-queue.ts';

const port = parentPort!;
const { path, patience, options } = workerData as StoreWork;
const database = new SqliteDatabase(path, options);
const target = { current: () => database, require: () => database, wrote, failed };
const chores = new Chores(target, systemClock);
const queue = new UpdateQueue({ path, patience, clock: systemClock, timers: systemTimers }, target, () => {
  setImmediate(() => queue.flush());
});

/** What is to be told, all that one turn brings in one message. */
let settled: unknown[] = [];
let pages = 0;
let done = false;
let corrupt = false;
let telling = false;

port.on('message', (order: Order) => {
  if (order === 'close') void close();
  else if ('judge' in order) work(order.judge);
  else report({ ended: runChore(order.chore) });
});
report({ ready: true });

function work(attempts: readonly unknown[]): void {
  for (let at = 0; at < attempts.length; at += ATTEMPT_SIZE) {
    const { ticket, triplet, question } = attemptAt(attempts, at);
    queue
      .add(triplet, stored => judgeAttempt(stored, question))
      .then(
        judgement => {
          putJudgement(settled, ticket, judgement);
          tell();
        },
        (error: Error) => {
          putFailure(settled, ticket, error.message);
          tell();
        },
      );
  }
  queue.flush();
  done = true;
  tell();
}

function tell(): void {
  if (telling) return;
  telling = true;
  // Behind the promises of this turn.
  queueMicrotask(() => queueMicrotask(tellNow));
}

function tellNow(): void {
  telling = false;
  report({ settled, wrote: pages, done, corrupt });
  settled = [];
  pages = 0;
  done = false;
  corrupt = false;
}

function runChore(chore: Chore): NonNullable<Report['ended']> {
  try {
    return chores.run(chore);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  } finally {
    tell();
  }
}

async function close(): Promise<void> {
  await queue.idle();
  database.close();
  // What was told last is on its way then.
  setImmediate(() => port.close());
}

function wrote(count: number): void {
  pages += count;
}

function failed(error: unknown): ReturnType<typeof storeError> {
  if (isCorrupt(error)) corrupt = true;
  return storeError(path, error);
}

function report(told: Report): void {
  port.postMessage(told);
}
