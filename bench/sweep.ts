/**
 * What sweeping does to those who wait for a reply: `node bench/sweep.ts [ROWS [RATE]]`, default 1,000,000 and 2,000. Makes a
 * database with that many expired triplets, stores RATE new ones a second, open loop, first alone and then while the expired
 * ones are swept as the daemon does it, and prints how long updates took (microseconds, from when each was due) and how long
 * the sweep.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock, systemTimers } from '../src/clock.ts';
import type { Store, Triplet } from '../src/greylist/store.ts';
import { judge, type Timing } from '../src/greylist/timing.ts';
import type { Logger } from '../src/log/logger.ts';
import { openSqliteStore } from '../src/stores/sqlite-store.ts';
import { fillDatabase } from './fill-database.ts';

const DAY = 86_400_000;
const PAUSE = 50;
const timing: Timing = { delay: 300_000, retryWindow: 2 * DAY, lifetime: 36 * DAY, tooSoon: 0 };
const [rows = 1_000_000, rate = 2_000] = process.argv.slice(2).map(Number);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const logger: Logger = { error: say, warn: say, info: say, debug: () => {} };

function tripletAt(index: number): Triplet {
  return {
    network: `${100 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}.0/24`,
    sender: `s${index.toString(16)}@d${index % 999}.sender.example`,
    recipient: `r${index.toString(16)}@m${index % 9999}.rcpt.example`,
  };
}

let serial = rows;

/** Stores new triplets until `until` settles. */
async function load(name: string, store: Store, until: Promise<unknown>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const times: number[] = [];
  const start = performance.now();
  let sent = 0;
  let going = true;
  const end = until.finally(() => {
    going = false;
  });
  delay.enable();
  while (going) {
    const due = Math.floor(((performance.now() - start) * rate) / 1000);
    for (; sent < due; sent++) {
      const at = start + ((sent + 1) * 1000) / rate; // `due` has just reached it
      const now = Date.now();
      store
        .update(tripletAt(serial++), stored => judge(stored, now, timing))
        .then(
          () => times.push(1000 * (performance.now() - at)),
          error => say(String(error)),
        );
    }
    await new Promise(resolve => setImmediate(resolve));
  }
  await end;
  delay.disable();
  times.sort((one, other) => one - other);
  const percentile = (share: number): string => `${times[Math.floor((times.length - 1) * share)]?.toFixed(0)}`;
  const seconds = (performance.now() - start) / 1000;
  say(
    `${name.padEnd(10)} ${(sent / seconds).toFixed(0)}/s for ${seconds.toFixed(1)} s: p50 ${percentile(0.5)} ` +
      `p99 ${percentile(0.99)} p99.9 ${percentile(0.999)} max ${percentile(1)}; ` +
      `event loop blocked for ${(delay.max / 1e6).toFixed(1)} ms at most`,
  );
}

async function sweep(store: Store): Promise<void> {
  const start = performance.now();
  const expiry = { pendingBefore: Date.now() - timing.retryWindow, passedBefore: Date.now() - timing.lifetime };
  let removed = 0;
  let slices = 0;
  let longest = 0;
  for (let more = true; more; slices++) {
    const from = performance.now();
    const slice = await store.sweep(expiry);
    longest = Math.max(longest, performance.now() - from);
    removed += slice.removed;
    more = slice.more;
    await sleep(PAUSE);
  }
  const seconds = (performance.now() - start) / 1000;
  say(`swept ${removed} rows in ${slices} slices, ${seconds.toFixed(1)} s; longest slice ${longest.toFixed(1)} ms`);
}

const folder = mkdtempSync(join(tmpdir(), 'milter-greylist-bench-'));
try {
  const path = join(folder, 'sweep.db');
  const old = Date.now() - 40 * DAY;
  await fillDatabase(path, rows, tripletAt, { firstSeen: old, lastSeen: old, passed: old, attempts: 2 });
  const clock = systemClock;
  const store = await openSqliteStore({ path, synchronous: 'NORMAL', clock, timers: systemTimers, logger });
  await load('alone', store, sleep(10_000));
  await load('sweeping', store, sweep(store));
  await load('after', store, sleep(5_000));
  await store.close();
} finally {
  rmSync(folder, { recursive: true });
}
