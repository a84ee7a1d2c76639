/**
 * The disk is full during load, and freed again. Meanwhile mail is accepted, never refused; nothing acknowledged is lost.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '../../test/support/temp-dir.ts';
import { Busyness, type Case, count, Losses, ms } from '../case.ts';
import { Daemon } from '../daemon.ts';
import { missingFrom, unsound } from '../database.ts';
import { Load } from '../load.ts';
import { recipientOf } from '../traffic.ts';

/** The write-ahead log alone may take half of it. */
const SIZE = 64 << 20;

/** A file system of its own in memory; only root may make one. */
function cannotMount(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root, for a small tmpfs';
}

/** Writes until there is no room, and takes the last bytes too. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  for (let size = 1 << 16; size >= 1; size >>= 4) {
    const block = Buffer.alloc(size);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
}

const full: Case = {
  name: 'resources/disk-full',
  missing: cannotMount,
  async run(trial) {
    const losses = new Losses();
    const busyness = new Busyness(trial);
    const folder = tempDir(trial);
    const disk = tempDir(trial);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', disk]);
    trial.after(() => {
      execFileSync('umount', ['-l', disk]);
    });
    const daemon = await Daemon.start(trial, {
      folder,
      database: join(disk, 'greylist.db'),
      flags: ['--greytimeout', '1'],
    });
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 8,
      rate: 600,
      mix: { new: 6, early: 1, mature: 2, passed: 1 },
      first: 0,
      seed: trial.random(1 << 30),
      delay: 1_000,
    });
    const rounds = trial.short ? 1 : 5;
    let longest = 0;
    for (let round = 0; round < rounds; round++) {
      await load.during(1_500, 500);
      fill(join(disk, 'filler'));
      await load.during(2_000, 200);
      rmSync(join(disk, 'filler'));
      const freed = performance.now();
      const before = load.acknowledged.size;
      while (load.acknowledged.size === before && performance.now() - freed < 30_000) await sleep(10);
      longest = Math.max(longest, performance.now() - freed);
    }
    await sleep(500);
    await load.stop();
    losses.expect(longest < busyness.stretch(5_000), 'greylisting within 5 s after there was room', () => ms(longest));
    // New ones can't be stored, so they are accepted; what is known already is answered as ever, or accepted.
    load.judge(losses, (kind, word) => word === 'proceed' || (kind === 'mature' && word.startsWith('proceed')));
    const accepted = load.count((kind, word) => kind === 'new' && word === 'proceed');
    losses.expect(accepted > 0, 'the disk was never full enough to matter');
    for (const serial of missingFrom(daemon.database, load.acknowledged, recipientOf))
      losses.expect(false, 'an acknowledged triplet', () => recipientOf(serial));
    losses.expect(unsound(daemon.database) === undefined, 'integrity_check');
    losses.expect(daemon.exit === undefined, 'the daemon ended');
    return {
      thrown: `${rounds} × no byte left for 2 s, at 600 sessions/s`,
      lost: losses.list(),
      seen: `${count(load.answers)} sessions, ${count(accepted)} new ones accepted for want of room; greylisting again ${ms(longest)} after there was some; RCPT at most ${ms(load.slowest)}`,
    };
  },
};

export const diskCases: readonly Case[] = [full];
