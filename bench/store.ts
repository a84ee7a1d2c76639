/**
 * How fast triplets are stored and found: `node bench/store.ts [ROWS…]`, default 0 and 1,000,000. For each number of rows it
 * makes a database (kept in the temporary directory, so that a second run starts sooner), and prints the time to open it, its size, the
 * memory of the process, and microseconds per update for new, early and known triplets at several batch sizes: that many
 * updates under way at once.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemTimers } from '../src/clock.ts';
import type { Store, Triplet } from '../src/greylist/store.ts';
import { judge, type Timing } from '../src/greylist/timing.ts';
import type { Logger } from '../src/log/logger.ts';
import { openSqliteStore } from '../src/stores/sqlite-store.ts';
import { fillDatabase } from './fill-database.ts';

const BATCHES = [1, 4, 16, 64];
const UPDATES = 40_000;
const DAY = 86_400_000;
const timing: Timing = { delay: 300_000, retryWindow: 2 * DAY, lifetime: 36 * DAY, tooSoon: 0 };
const folder = join(tmpdir(), 'milter-greylist-bench');

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const logger: Logger = { error: say, warn: say, info: say, debug: () => {} };

/** Triplets of a stream of its own for each `stream`; those stored beforehand are stream 0. */
function tripletAt(stream: number, index: number): Triplet {
  return {
    network: `${100 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}.0/24`,
    sender: `s${stream}-${index.toString(16).padStart(8, '0')}@d${index % 999}.sender.example`,
    recipient: `r${index.toString(16).padStart(5, '0')}@m${index % 9999}.rcpt.example`,
  };
}

async function measure(name: string, store: Store, batch: number, triplet: (index: number) => Triplet): Promise<void> {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let done = 0; done < UPDATES; done += batch) {
    const from = performance.now();
    const updates: Promise<unknown>[] = [];
    for (let index = done; index < done + batch; index++) {
      const now = Date.now();
      updates.push(store.update(triplet(index), stored => judge(stored, now, timing)));
    }
    await Promise.all(updates);
    times.push(performance.now() - from);
  }
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  times.sort((one, other) => one - other);
  const percentile = (share: number): string => (1000 * times[Math.floor((times.length - 1) * share)]!).toFixed(0);
  const columns = [
    name.padEnd(8),
    String(batch).padStart(5),
    ((1000 * elapsed) / UPDATES).toFixed(1).padStart(10),
    ((user + system) / UPDATES).toFixed(1).padStart(8),
    ...[0.5, 0.99, 0.999, 1].map(share => percentile(share).padStart(8)),
  ];
  say(columns.join(' '));
}

async function run(rows: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const filled = join(folder, `filled-${rows}.db`);
  const path = join(folder, 'bench.db');
  const clock = systemClock;
  if (!existsSync(filled)) await fillDatabase(filled, rows, index => tripletAt(0, index));
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  copyFileSync(filled, path);
  const start = performance.now();
  const store = await openSqliteStore({ path, synchronous: 'NORMAL', clock, timers: systemTimers, logger });
  await store.get(tripletAt(0, 0));
  const opened = performance.now() - start;
  say(
    `\n${rows} rows, ${(statSync(path).size / Math.max(1, rows)).toFixed(0)} bytes each; open ${opened.toFixed(1)} ms`,
  );
  say('         batch  us/update  us cpu      p50      p99    p99.9      max  (us per batch)');
  for (const [stream, batch] of BATCHES.entries()) {
    await measure('new', store, batch, index => tripletAt(stream + 1, index));
    await measure('early', store, batch, index => tripletAt(stream + 1, index));
  }
  for (const batch of BATCHES) await measure('known', store, batch, index => tripletAt(0, rows ? index % rows : 0));
  say(`memory ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
  await store.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}

const sizes = process.argv.slice(2).map(Number);
for (const rows of sizes.length > 0 ? sizes : [0, 1_000_000]) await run(rows);
