import assert from 'node:assert/strict';
import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { Checkpointer } from '../../src/stores/checkpointer.ts';
import { tempDir } from '../support/temp-dir.ts';
import { MemoryLogger, until } from './sqlite-support.ts';

test('a checkpoint is made when many rows were written, and not before', async t => {
  const path = join(tempDir(t), 'x.db');
  const database = new Database(path);
  t.after(() => database.close());
  database.pragma('journal_mode = WAL');
  database.pragma('wal_autocheckpoint = 0');
  database.exec("CREATE TABLE t (x); CREATE TABLE meta (name, value); INSERT INTO meta VALUES ('log_starts', '0')");
  const insert = database.prepare('INSERT INTO t VALUES (randomblob(3000))');
  for (let row = 0; row < 50; row++) insert.run();
  const logger = new MemoryLogger();
  const file = openSync(path, 'r');
  t.after(() => closeSync(file));
  const checkpointer = new Checkpointer({ path, logger, descriptor: () => file, onLost: () => {} });
  const before = statSync(path).size;
  checkpointer.wrote(1_999);
  await new Promise(resolve => setTimeout(resolve, 100));
  assert.equal(statSync(path).size, before);
  checkpointer.wrote(1);
  await until(() => statSync(path).size > before + 150_000, 'the rows in the database file');
  await until(() => database.prepare('SELECT value FROM meta').pluck().get() !== '0', 'the log to start anew');
  await checkpointer.close();
  assert.deepEqual(logger.lines, []);
  const [{ log }] = database.pragma('wal_checkpoint(PASSIVE)') as [{ log: number }];
  assert.ok(log < 10, `${log} pages in a log that was started anew`);
});

test('checkpoints that fail are told of once, until one does not', async t => {
  const path = join(tempDir(t), 'x.db');
  const logger = new MemoryLogger();
  const checkpointer = new Checkpointer({ path, logger, descriptor: () => -1, onLost: () => {} });
  checkpointer.wrote(2_000);
  await until(() => logger.lines.length > 0, 'a warning');
  assert.match(logger.lines[0] ?? '', /^warn: the write-ahead log does not get shorter .*unable to open/);
  checkpointer.wrote(2_000);
  await new Promise(resolve => setTimeout(resolve, 50));
  await checkpointer.close();
  assert.equal(logger.lines.length, 1);
});

test('a checkpointer that was never needed, or is closed twice, just ends', async t => {
  const logger = new MemoryLogger();
  const options = { path: join(tempDir(t), 'x.db'), logger, descriptor: () => -1, onLost: () => {} };
  const checkpointer = new Checkpointer(options);
  await checkpointer.close();
  await checkpointer.close();
  checkpointer.wrote(10_000);
  assert.deepEqual(logger.lines, []);
});
