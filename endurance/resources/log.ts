/**
 * The reader of the log goes away, or stops reading.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '../../test/support/temp-dir.ts';
import { type Case, count, Losses, ms } from '../case.ts';
import { Daemon } from '../daemon.ts';
import { Load } from '../load.ts';

const closed: Case = {
  name: 'resources/log-closed',
  async run(trial) {
    const losses = new Losses();
    const daemon = await Daemon.start(trial, {
      folder: tempDir(trial),
      flags: ['--greytimeout', '1', '-v'],
      log: 'pipe',
    });
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 16,
      rate: 400,
      mix: { new: 4, mature: 3, passed: 3 },
      first: 0,
      seed: trial.random(1 << 30),
      delay: 1_000,
    });
    await load.during(1_000, 200);
    daemon.process.stderr?.destroy();
    await load.during(trial.short ? 2_000 : 5_000, 400);
    await load.stop();
    load.judge(losses);
    losses.expect(daemon.exit === undefined, 'the daemon ended');
    losses.expect((await daemon.stop()).code === 0, 'the exit status');
    return {
      thrown: 'the log pipe closed, at 400 sessions/s',
      lost: losses.list(),
      seen: `${count(load.answers)} sessions; RCPT at most ${ms(load.slowest)}`,
    };
  },
};

const blocked: Case = {
  name: 'resources/log-blocked',
  async run(trial) {
    const losses = new Losses();
    const daemon = await Daemon.start(trial, { folder: tempDir(trial), flags: ['--greytimeout', '1'], log: 'pipe' });
    const stderr = daemon.process.stderr;
    if (!stderr) throw new Error('no pipe');
    let text = '';
    stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 16,
      mix: { new: 4, mature: 3, passed: 3 },
      first: 0,
      seed: trial.random(1 << 30),
      delay: 1_000,
    });
    await sleep(500);
    const before = daemon.rss;
    const enough = load.answers + (trial.short ? 12_000 : 40_000);
    stderr.pause();
    const paused = performance.now();
    while (load.answers < enough && performance.now() - paused < 180_000) await sleep(50);
    const silence = performance.now() - paused;
    const grown = daemon.rss - before;
    const read = once(stderr, 'end');
    stderr.resume();
    await load.stop();
    // The daemon gives its reader little time at its end: it has to have caught up before.
    for (let length = -1; length < text.length; await sleep(1_500)) length = text.length;
    await daemon.stop();
    await read;
    load.judge(losses);
    const lines = text.match(/(^|\n)[^\n]*action=/g)?.length ?? 0;
    let told = 0;
    for (const [, dropped] of text.matchAll(/msg="log lines were lost" dropped=(\d+)/g)) told += Number(dropped);
    // Among the lost lines may be one or the other that is no decision.
    const untold = load.answers - lines - told;
    losses.expect(untold <= 0 && untold > -10, 'lines that nobody was told of', () => `${untold}`);
    losses.expect(told > 0, 'the reader never fell behind');
    losses.expect(grown < 150 << 20, 'memory', () => `${grown >> 20} MiB`);
    return {
      thrown: `the log not read for ${ms(silence)}, 16 connections without pause`,
      lost: losses.list(),
      seen: `${count(load.answers)} sessions, ${count(lines)} lines came through and ${count(told)} were told to be lost; ${grown >> 20} MiB more; RCPT at most ${ms(load.slowest)}`,
    };
  },
};

export const logCases: readonly Case[] = [closed, blocked];
