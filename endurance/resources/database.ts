/**
 * The database is locked by another process, deleted, or replaced, while it is in use.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '../../test/support/temp-dir.ts';
import { Busyness, type Case, count, Losses, ms, type Trial } from '../case.ts';
import { Daemon, watchPings } from '../daemon.ts';
import { missingFrom, unsound } from '../database.ts';
import { Load } from '../load.ts';
import { recipientOf } from '../traffic.ts';

const sqlite = createRequire(import.meta.url).resolve('better-sqlite3');

/** Another process takes the write lock for so long. Resolves when it has it, to the promise of its end. */
async function lock(path: string, milliseconds: number): Promise<{ readonly ended: Promise<void> }> {
  const program = `
    const database = new (require(${JSON.stringify(sqlite)}))(process.argv[1], { timeout: 30000 });
    database.exec('BEGIN IMMEDIATE');
    process.stdout.write('locked');
    setTimeout(() => { database.exec('ROLLBACK'); database.close(); }, Number(process.argv[2]));`;
  const child = spawn(process.execPath, ['-e', program, path, String(milliseconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    if (code !== 0) throw new Error(`the locking process ended with code ${code}`);
  });
  await Promise.race([once(child.stdout, 'data'), ended.then(() => Promise.reject(new Error('could not lock')))]);
  return { ended };
}

async function loaded(trial: Trial, rate: number): Promise<{ daemon: Daemon; load: Load; folder: string }> {
  const folder = tempDir(trial);
  const daemon = await Daemon.start(trial, { folder, flags: ['--greytimeout', '1'] });
  const load = new Load(trial, {
    socket: daemon.socket,
    connections: 128,
    rate,
    mix: { new: 5, early: 1, mature: 2, passed: 2 },
    first: 0,
    seed: trial.random(1 << 30),
    delay: 1_000,
  });
  await sleep(2_500);
  return { daemon, load, folder };
}

const locked: Case = {
  name: 'resources/database-locked',
  async run(trial) {
    const losses = new Losses();
    const busyness = new Busyness(trial);
    const { daemon, load } = await loaded(trial, 40);
    const rounds = trial.short ? 1 : 2;
    let worst = 0;
    for (let round = 0; round < rounds; round++) {
      const { ended } = await lock(daemon.database, 10_000);
      const pings = await watchPings(daemon, ended);
      worst = Math.max(worst, pings.worst);
      losses.expect(pings.failed === 0, 'a negotiation', () => `${pings.failed} failed`);
      // Whoever waits for the lock with his whole loop answers one, perhaps, before and one after.
      losses.expect(pings.answered > 5, 'hardly a negotiation meanwhile', () => `${pings.answered}`);
      await sleep(2_000);
    }
    await load.stop();
    losses.expect(worst < busyness.stretch(1_000), 'the event loop was blocked', () => ms(worst));
    // Who can't be looked up in time is accepted, and nobody knows for how long he was delayed.
    load.judge(losses, (_kind, word) => word.startsWith('proceed'));
    const accepted = load.count((kind, word) => kind === 'new' && word === 'proceed');
    losses.expect(accepted > 0, 'the lock was never held for long enough to matter');
    for (const serial of missingFrom(daemon.database, load.acknowledged, recipientOf))
      losses.expect(false, 'an acknowledged triplet', () => recipientOf(serial));
    return {
      thrown: `${rounds} × write lock held by another process for 10 s, at 40 sessions/s`,
      lost: losses.list(),
      seen: `RCPT at most ${ms(load.slowest)}, negotiation at most ${ms(worst)}; ${count(accepted)} new ones accepted because the lock did not end in time`,
    };
  },
};

/** Seconds after which the daemon must have seen that its file is another. */
const NOTICE = 2_500;

function losing(name: string, what: string, lose: (daemon: Daemon, folder: string) => void): Case {
  return {
    name,
    async run(trial) {
      const losses = new Losses();
      const { daemon, load, folder } = await loaded(trial, 400);
      const rounds = trial.short ? 1 : 6;
      for (let round = 0; round < rounds; round++) {
        lose(daemon, folder);
        await load.during(NOTICE, 100);
        const before = new Set(load.acknowledged);
        await load.during(1_000, 400);
        const since = [...load.acknowledged].filter(serial => !before.has(serial));
        losses.expect(since.length > 50, 'no greylisting after a while', () => `round ${round}`);
        for (const serial of missingFrom(daemon.database, since, recipientOf))
          losses.expect(false, 'a triplet acknowledged afterwards', () => recipientOf(serial));
        losses.expect(unsound(daemon.database) === undefined, 'integrity_check');
      }
      await load.stop();
      // What was in the old file is forgotten, by whoever took it away.
      load.judge(losses, (kind, word) => word === 'proceed' || (['mature', 'passed'].includes(kind) && word === '451'));
      losses.expect(daemon.exit === undefined, 'the daemon ended');
      return {
        thrown: `${rounds} × ${what}, at 400 sessions/s`,
        lost: losses.list(),
        seen: `${count(load.answers)} sessions; RCPT at most ${ms(load.slowest)}`,
      };
    },
  };
}

const deleted = losing('resources/database-deleted', 'database file and its log deleted', ({ database }) => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(database + suffix, { force: true });
});

const replaced = losing(
  'resources/database-replaced',
  'an older copy of the file moved into its place',
  (daemon, folder) => {
    const copy = join(folder, 'copy.db');
    copyFileSync(daemon.database, copy); // without its log: what a careless restore leaves
    for (const suffix of ['-wal', '-shm']) rmSync(daemon.database + suffix, { force: true });
    renameSync(copy, daemon.database);
  },
);

export const databaseCases: readonly Case[] = [locked, deleted, replaced];
