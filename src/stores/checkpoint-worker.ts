/**
 * The thread that moves the write-ahead log into the database, with a connection of its own: on the serving thread that would
 * stop all replies for as long as the disk takes. `workerData` is a `CheckpointWork`. Asked by the message `checkpoint`, it
 * answers with a `CheckpointResult`; the message `close` ends it.
 */
import { fdatasyncSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { isBusy } from './sqlite-error.ts';

/** Frames (pages) in the log and how many of them are in the database, or why that could not be told. */
export type CheckpointResult = { readonly frames: number; readonly done: number } | { readonly error: string };

export interface CheckpointWork {
  readonly path: string;
  /** Of the database file. */
  readonly descriptor: number;
}

/** Rounds without a lock, each for what was written during the one before. */
const ROUNDS = 3;
/** Few enough frames for a round to be over in a moment. */
const FEW_FRAMES = 200;
/**
 * From this many frames on (128 MB) the log is made to start anew, which keeps writers out until the disk has been flushed. A
 * log that is at rest for that long starts anew by itself.
 */
const RESTART_FRAMES = 32_000;

const port = parentPort!;
const { path, descriptor } = workerData as CheckpointWork;
let database: Database.Database | undefined;

port.on('message', (message: 'checkpoint' | 'close') => {
  if (message === 'close') {
    database?.close();
    port.close();
  } else {
    port.postMessage(answer());
  }
});

function answer(): CheckpointResult {
  try {
    database ??= open();
    return checkpoint(database);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function open(): Database.Database {
  const opened = new Database(path, { fileMustExist: true, timeout: 20 });
  opened.pragma('cache_size = 0'); // frames are copied past it
  return opened;
}

function checkpoint(connection: Database.Database): CheckpointResult {
  let result = move(connection, 'PASSIVE');
  for (let round = 1; round < ROUNDS && result.frames - result.done > FEW_FRAMES; round++) {
    result = move(connection, 'PASSIVE');
  }
  if (result.frames >= RESTART_FRAMES) {
    // SQLite flushes only once all is moved, which under load is when it has the writers' lock: so nearly all of it before.
    fdatasyncSync(descriptor);
    result = move(connection, 'PASSIVE');
    fdatasyncSync(descriptor);
    result = move(connection, 'RESTART');
  }
  if (result.frames > 0 && result.done === result.frames) startAnew(connection);
  return result;
}

/** Whoever writes first after all is moved starts the log anew, and flushes the disk for it: rather this thread. */
function startAnew(connection: Database.Database): void {
  try {
    connection.exec(`UPDATE meta SET value = value + 1 WHERE name = 'log_starts'`);
  } catch (error) {
    if (!isBusy(error)) throw error; // the serving thread was faster
  }
}

function move(connection: Database.Database, mode: 'PASSIVE' | 'RESTART'): { frames: number; done: number } {
  const [row] = connection.pragma(`wal_checkpoint(${mode})`) as [{ log: number; checkpointed: number }];
  return { frames: row.log, done: row.checkpointed };
}
