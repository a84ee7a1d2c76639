/**
 * Storms of SIGHUP, with good and broken lists, and of SIGTERM.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '../../test/support/temp-dir.ts';
import { Busyness, type Case, count, Losses, ms } from '../case.ts';
import { Daemon } from '../daemon.ts';
import { missingFrom, unsound } from '../database.ts';
import { gone, Load } from '../load.ts';
import { recipientOf } from '../traffic.ts';

const hangUps: Case = {
  name: 'resources/sighup-storm',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const folder = tempDir(trial);
    const list = join(folder, 'white');
    writeFileSync(list, '192.0.2.0/24\n');
    const daemon = await Daemon.start(trial, { folder, flags: ['--greytimeout', '1', '--custom-wl', list] });
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 16,
      rate: 400,
      mix: { new: 3, mature: 2, passed: 2, white: 3 },
      first: 0,
      seed: random(1 << 30),
      delay: 1_000,
    });
    const signals = short ? 500 : 3_000;
    for (let sent = 0; sent < signals; sent++) {
      if (sent % 10 === 0) {
        writeFileSync(`${list}.new`, random(3) === 0 ? '192.0.2.0/24\nnonsense/99\n' : '192.0.2.0/24\n# fine\n');
        renameSync(`${list}.new`, list); // half a file would be a list too
      }
      daemon.signal('SIGHUP');
      if (sent % 4 === 0) await sleep(random(20));
    }
    await load.during(500, 200);
    await load.stop();
    load.judge(losses);
    losses.expect(daemon.exit === undefined, 'the daemon ended');
    const reloads = daemon.log.match(/msg="?(not )?reloaded/g)?.length ?? 0;
    losses.expect(reloads > 10, 'nothing was reloaded', () => `${reloads}`);
    return {
      thrown: `${count(signals)} × SIGHUP, every third list broken, at 400 sessions/s`,
      lost: losses.list(),
      seen: `${count(reloads)} reloads; ${count(load.answers)} sessions; RCPT at most ${ms(load.slowest)}`,
    };
  },
};

const terminations: Case = {
  name: 'resources/sigterm-storm',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const busyness = new Busyness(trial);
    const options = { folder: tempDir(trial), flags: ['--greytimeout', '1'] };
    let daemon = await Daemon.start(trial, options);
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 8,
      mix: { new: 6, mature: 2, passed: 1 },
      first: 0,
      seed: random(1 << 30),
      delay: 1_000,
    });
    const rounds = short ? 4 : 40;
    let slowest = 0;
    for (let round = 0; round < rounds; round++) {
      await sleep(random(300));
      const storm = round % 2 === 1; // a second signal ends it at once
      const start = performance.now();
      for (let sent = 0; sent < (storm ? 20 : 1); sent++) daemon.signal('SIGTERM');
      const exit = await daemon.exited;
      slowest = Math.max(slowest, performance.now() - start);
      const fine = exit.code === 0 || (storm && (exit.code === 143 || exit.signal === 'SIGTERM'));
      losses.expect(fine, 'the exit status', () => JSON.stringify(exit));
      if (exit.code === 0) losses.expect(!existsSync(daemon.socket.slice(5)), 'the socket was left behind');
      losses.expect(unsound(daemon.database) === undefined, 'integrity_check');
      daemon = await Daemon.start(trial, options);
    }
    await sleep(300);
    await load.stop();
    load.judge(losses, (_kind, word) => gone(word));
    losses.expect(slowest < busyness.stretch(11_000), 'it did not stop', () => ms(slowest));
    for (const serial of missingFrom(daemon.database, load.acknowledged, recipientOf))
      losses.expect(false, 'an acknowledged triplet', () => recipientOf(serial));
    return {
      thrown: `${rounds} × SIGTERM, alone or twenty at once, under 8 connections without pause`,
      lost: losses.list(),
      seen: `${count(load.acknowledged.size)} triplets acknowledged; stopped after at most ${ms(slowest)}`,
    };
  },
};

export const signalCases: readonly Case[] = [hangUps, terminations];
