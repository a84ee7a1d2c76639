/**
 * The wall clock steps a day forward and back, under load.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../../test/support/temp-dir.ts';
import { type Case, count, Losses, ms } from '../case.ts';
import { Daemon } from '../daemon.ts';
import { missingFrom } from '../database.ts';
import { Load } from '../load.ts';
import { recipientOf } from '../traffic.ts';

const DAY = 86_400_000;
const preload = fileURLToPath(new URL('../stepped-clock.mjs', import.meta.url));

const stepped: Case = {
  name: 'resources/clock-stepped',
  async run(trial) {
    const losses = new Losses();
    const folder = tempDir(trial);
    const offset = join(folder, 'offset');
    process.env.STEPPED_CLOCK = offset;
    writeFileSync(offset, '0');
    const daemon = await Daemon.start(trial, {
      folder,
      flags: ['--greytimeout', '1'],
      nodeFlags: ['--import', preload],
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
    await load.during(3_000, 300);
    // Back to where it was, further back, and to the true time: whatever lies in the future counts as now.
    const steps = [DAY, 0, -DAY, 0];
    const rounds = trial.short ? 1 : 3;
    for (let round = 0; round < rounds; round++) {
      for (const step of steps) {
        writeFileSync(offset, String(step));
        daemon.signal('SIGUSR2');
        await load.during(trial.short ? 1_500 : 2_500, 200);
      }
    }
    await load.stop();
    // A triplet whose time lies in the future waits anew from now on, once; one forward step lets early ones pass.
    load.judge(losses, (kind, word) => (kind === 'mature' && word === '451') || (kind === 'new' && word === 'proceed'));
    const again = load.count((kind, word) => kind === 'mature' && word === '451');
    const mature = load.count((kind, word) => kind === 'mature' && word === 'proceed');
    losses.expect(mature > 0, 'nothing passes any more', () => `${mature} passed, ${again} had to wait anew`);
    for (const serial of missingFrom(daemon.database, load.acknowledged, recipientOf))
      losses.expect(false, 'an acknowledged triplet', () => recipientOf(serial));
    losses.expect(daemon.exit === undefined, 'the daemon ended');
    return {
      thrown: `${rounds * steps.length} × wall clock stepped by a day, forward and back, at 400 sessions/s`,
      lost: losses.list(),
      seen: `${count(mature)} matured, ${count(again)} had to wait ${again === 1 ? 'its' : 'their'} second anew; no passed one forgotten, nothing swept; RCPT at most ${ms(load.slowest)}`,
    };
  },
};

export const clockCases: readonly Case[] = [stepped];
