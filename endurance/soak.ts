/**
 * Mixed traffic for a long time: memory and descriptors stay level, and so does the time that answers take.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../test/support/temp-dir.ts';
import { Busyness, type Case, count, Losses, ms, type Outcome, type Trial } from './case.ts';
import { Daemon } from './daemon.ts';
import { missingFrom, unsound } from './database.ts';
import { Load } from './load.ts';
import { recipientOf } from './traffic.ts';

interface Sample {
  /** Seconds from the start. */
  readonly at: number;
  readonly rss: number;
  readonly descriptors: number;
}

/** By how much a value grows in a minute: the least squares' slope. */
function slope(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const meanAt = samples.reduce((sum, { at }) => sum + at, 0) / samples.length;
  const mean = samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const above = samples.reduce((sum, sample) => sum + (sample.at - meanAt) * (of(sample) - mean), 0);
  const below = samples.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0);
  return below === 0 ? 0 : (above / below) * 60;
}

async function soak(trial: Trial, rate: number, seconds: number): Promise<Outcome> {
  const losses = new Losses();
  const busyness = new Busyness(trial);
  const folder = tempDir(trial);
  const list = join(folder, 'white');
  writeFileSync(list, '192.0.2.0/24\n');
  const servers = fork(fileURLToPath(new URL('names-worker.ts', import.meta.url)), ['1']);
  trial.after(() => {
    servers.kill('SIGKILL');
  });
  const [ports] = (await once(servers, 'message')) as [number[]];
  const resolvers = ports.flatMap(port => ['--resolver', `127.0.0.1:${port}`]);
  const zones = ['-a', 'one.test', '-a', 'two.test', '-a', 'three.test'];
  const flags = ['--greytimeout', '5', '--custom-wl', list, ...zones, ...resolvers];
  const daemon = await Daemon.start(trial, { folder, flags });
  const load = new Load(trial, {
    socket: daemon.socket,
    connections: 64,
    rate,
    mix: { new: 6, early: 3, mature: 4, passed: 4, white: 2, listed: 1 },
    first: 0,
    seed: trial.random(1 << 30),
    delay: 5_000,
  });
  const listed = (wanted: string): number => load.count((kind, word) => kind === 'listed' && word === wanted);
  const testing = performance.now();
  while (listed('550') === 0 && performance.now() - testing < 60_000) await sleep(50); // the lists' self-tests
  const late = listed('451');
  const samples: Sample[] = [];
  const start = performance.now();
  for (let second = 1; second <= seconds; second++) {
    await sleep(Math.max(0, second * 1_000 - (performance.now() - start)));
    samples.push({ at: second, rss: daemon.rss, descriptors: daemon.descriptors });
    if (second % 60 === 0)
      trial.progress(
        `${second} s, ${Math.round(daemon.rss / 2 ** 20)} MiB, ${daemon.descriptors} descriptors, p99 ${ms(load.latency(0.99, second - 60))}`,
      );
  }
  if (trial.short) await load.during(0, rate * seconds - load.answers); // a slow machine needs longer
  await load.stop();
  // A list that answers too late says nothing, so the client on it is greylisted.
  load.judge(losses, (kind, word) => kind === 'listed' && word === '451');
  const missed = listed('451') - late;
  losses.expect(listed('550') > 0, 'nobody was refused');
  if (!trial.short) losses.expect(missed <= listed('550') / 100, 'clients on a list', () => `${missed} not refused`);
  const half = samples.slice(samples.length >> 1);
  const memory = slope(half, ({ rss }) => rss) / 2 ** 20;
  const descriptors = slope(half, sample => sample.descriptors);
  const third = Math.floor(load.seconds.length / 3);
  const [first, last] = [load.latency(0.99, 2, third), load.latency(0.99, 2 * third)];
  const long = seconds >= 600;
  // In a minute caches and the heap are still filling: a short run has to show that nothing runs away.
  const minute = seconds >= 45;
  if (minute) {
    losses.expect(memory < (long ? 1 : 60), 'memory is not level', () => `${memory.toFixed(2)} MiB/min`);
    losses.expect(
      descriptors < (long ? 0.5 : 30),
      'descriptors are not level',
      () => `${descriptors.toFixed(2)} a minute`,
    );
  }
  const end = samples.at(-1);
  losses.expect((end?.rss ?? 0) < 500 * 2 ** 20, 'memory', () => `${end?.rss} bytes`);
  losses.expect((end?.descriptors ?? 0) < 200, 'descriptors', () => `${end?.descriptors}`);
  losses.expect(last < busyness.stretch(first * 3 + 50), 'p99 is not level', () => `${ms(first)}, then ${ms(last)}`);
  losses.expect(
    load.answers > rate * seconds * 0.9,
    'the load was not what it should be',
    () => `${load.answers} sessions`,
  );
  losses.expect(unsound(daemon.database) === undefined, 'integrity_check');
  for (const serial of missingFrom(daemon.database, load.acknowledged, recipientOf))
    losses.expect(false, 'an acknowledged triplet', () => recipientOf(serial));
  return {
    thrown: `${count(rate)} sessions/s for ${seconds} s: new, early, mature, passed, whitelisted, listed; three lists`,
    lost: losses.list(),
    seen: `${count(load.answers)} sessions; ${Math.round((end?.rss ?? 0) / 2 ** 20)} MiB, slope ${memory.toFixed(2)} MiB/min; ${end?.descriptors} descriptors, slope ${descriptors.toFixed(2)}/min; RCPT p50 ${ms(load.latency(0.5))}, p99 ${ms(first)} at first and ${ms(last)} at last`,
  };
}

export const soakCases: readonly Case[] = [
  { name: 'soak/mixed', run: trial => soak(trial, trial.short ? 200 : 400, trial.short ? 10 : 60) },
];

export const longSoak: Case = { name: 'soak/half-hour', run: trial => soak(trial, 1_000, 1_800) };
