/**
 * Kill -9 at random moments under load: every triplet whose 451 was read is in the database afterwards, the database is sound, and
 * service is back within a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '../test/support/temp-dir.ts';
import { type Case, count, Losses, ms, percentile } from './case.ts';
import { Daemon } from './daemon.ts';
import { missingFrom, unsound } from './database.ts';
import { gone, Load } from './load.ts';
import { recipientOf } from './traffic.ts';

/** Kills on one database, after which a new one is begun: checking a large one takes long. */
const KILLS_A_DATABASE = 25;

const underLoad: Case = {
  name: 'kill/under-load',
  async run(trial) {
    const { random, short } = trial;
    const kills = short ? 10 : 200;
    const losses = new Losses();
    const returns: number[] = [];
    const own: number[] = [];
    let acknowledged = 0;
    for (let done = 0; done < kills; ) {
      const options = { folder: tempDir(trial), flags: ['--greytimeout', '1'] };
      let daemon = await Daemon.start(trial, options);
      // One load that goes on while the daemon dies and returns, as a mail server does.
      const load = new Load(trial, {
        socket: daemon.socket,
        connections: 8,
        mix: { new: 6, early: 1, mature: 2, passed: 1 },
        first: 0,
        seed: random(1 << 30),
        delay: 1_000,
      });
      for (let turn = 0; turn < KILLS_A_DATABASE && done < kills; turn++, done++) {
        const enough = load.acknowledged.size + 10; // a kill before anything was promised shows nothing
        await sleep(20 + random(400));
        for (const end = performance.now() + 60_000; performance.now() < end; await sleep(5))
          if (load.acknowledged.size >= enough) break;
        await daemon.kill();
        const before = new Set(load.acknowledged);
        const start = performance.now();
        daemon = await Daemon.start(trial, options);
        const took = performance.now() - start;
        returns.push(took);
        own.push(daemon.processorTime);
        const damage = unsound(daemon.database);
        losses.expect(damage === undefined, 'integrity_check', () => `kill ${done}: ${damage}`);
        for (const serial of missingFrom(daemon.database, before, recipientOf))
          losses.expect(false, 'an acknowledged triplet', () => `kill ${done}: ${recipientOf(serial)}`);
      }
      await load.stop();
      load.judge(losses, (_kind, word) => gone(word));
      for (const serial of missingFrom(daemon.database, load.acknowledged, recipientOf))
        losses.expect(false, 'an acknowledged triplet', () => recipientOf(serial));
      acknowledged += load.acknowledged.size;
      await daemon.kill();
      trial.progress(`${done} kills`);
    }
    losses.expect(acknowledged > kills * 5, 'too little load to prove anything', () => `${acknowledged} triplets`);
    const [median, worst] = [percentile(returns, 0.5), percentile(returns, 1)];
    const ownMedian = percentile(own, 0.5);
    // By its processor time: how long a busy machine lets it wait is not the daemon's fault, nor, in the short cut, how slow it is.
    losses.expect(
      ownMedian <= (short ? 15_000 : 1_000),
      'service back within a second',
      () => `median ${ms(ownMedian)} of processor time`,
    );
    return {
      thrown: `${kills} × SIGKILL, at random moments of 8 connections without pause`,
      lost: losses.list(),
      seen: `${count(acknowledged)} triplets acknowledged, all there; serves again after ${ms(median)} (worst ${ms(worst)}, ${ms(ownMedian)} of processor time), program start included`,
    };
  },
};

export const killCases: readonly Case[] = [underLoad];
