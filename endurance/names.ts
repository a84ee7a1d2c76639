/**
 * The DNS servers are silent, refuse, or answer with nonsense, one after the other, under load: no RCPT later than 8 s, and
 * nobody is refused for it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../test/support/temp-dir.ts';
import { type Case, count, Losses, ms, type Trial } from './case.ts';
import { Daemon } from './daemon.ts';
import { Load } from './load.ts';

const worker = fileURLToPath(new URL('names-worker.ts', import.meta.url));
export const MANNERS = ['sound', 'silent', 'refusing', 'failing', 'nonsense', 'lying', 'slow'] as const;
export type Manner = (typeof MANNERS)[number];

interface Servers {
  readonly ports: readonly number[];
  behave(manner: Manner): void;
}

/** Two DNS servers in a process of their own. */
async function startServers(trial: Trial): Promise<Servers> {
  const child = fork(worker, [String(trial.random(1 << 30))]);
  trial.after(() => {
    child.kill('SIGKILL');
  });
  const [ports] = (await once(child, 'message')) as [number[]];
  return { ports, behave: manner => child.send(manner) };
}

const outages: Case = {
  name: 'names/outages',
  async run(trial) {
    const losses = new Losses();
    const servers = await startServers(trial);
    const resolvers = servers.ports.flatMap(port => ['--resolver', `127.0.0.1:${port}`]);
    const zones = ['-a', 'one.test', '-a', 'two.test', '-a', 'three.test'];
    const daemon = await Daemon.start(trial, {
      folder: tempDir(trial),
      flags: ['--greytimeout', '2', ...zones, ...resolvers],
    });
    await sleep(1_000);
    const seconds = trial.short ? 4 : 12;
    const outages: readonly Manner[] = trial.short ? ['silent', 'nonsense', 'lying'] : MANNERS.slice(1);
    // The lists return by themselves, after a pause that doubles while they are out.
    const patience = 180_000;
    const seen: string[] = [];
    let first = 0;
    let sessions = 0;
    for (const manner of ['sound', ...outages, 'sound'] as const) {
      servers.behave(manner);
      const sound = manner === 'sound';
      const load = new Load(trial, {
        socket: daemon.socket,
        connections: 64,
        rate: 100,
        mix: sound ? { new: 6, mature: 2, passed: 2, listed: 1 } : { new: 6, mature: 2, passed: 2 },
        first,
        seed: trial.random(1 << 30),
        delay: 2_000,
      });
      const start = performance.now();
      const refused = (): number => load.count((kind, word) => kind === 'listed' && word === '550');
      if (sound) while (refused() === 0 && performance.now() - start < patience) await sleep(50);
      const back = performance.now() - start;
      if (!sound || first === 0) await load.during(seconds * 1_000, 200);
      await load.stop();
      // Until a list is in use again, the clients on it are greylisted like others: that is no loss.
      load.judge(losses, (kind, word) => kind === 'listed' && word === '451');
      if (sound) losses.expect(refused() > 0, 'the lists did not return', () => `in ${ms(back)}`);
      seen.push(`${manner} ${ms(load.slowest)}${sound && first > 0 ? ` (lists back after ${ms(back)})` : ''}`);
      trial.progress(seen.at(-1) ?? '');
      first = load.next + 1;
      sessions += load.answers;
    }
    losses.expect(daemon.exit === undefined, 'the daemon ended');
    return {
      thrown: `both DNS servers ${outages.join(', ')}, ${seconds} s each, at 100 sessions/s, three lists`,
      lost: losses.list(),
      seen: `${count(sessions)} sessions; slowest RCPT: ${seen.join(', ')}`,
    };
  },
};

const fromTheStart: Case = {
  name: 'names/silent-from-the-start',
  async run(trial) {
    const losses = new Losses();
    const servers = await startServers(trial);
    servers.behave('silent');
    const resolvers = servers.ports.flatMap(port => ['--resolver', `127.0.0.1:${port}`]);
    const daemon = await Daemon.start(trial, {
      folder: tempDir(trial),
      flags: ['--greytimeout', '2', '-a', 'one.test', '-a', 'two.test', ...resolvers],
    });
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 64,
      rate: 100,
      mix: { new: 6, mature: 2, passed: 2 },
      first: 0,
      seed: trial.random(1 << 30),
      delay: 2_000,
    });
    await load.during(trial.short ? 4_000 : 10_000, 200);
    servers.behave('sound');
    await load.stop();
    load.judge(losses);
    return {
      thrown: 'both DNS servers silent when the daemon starts, at 100 sessions/s',
      lost: losses.list(),
      seen: `${count(load.answers)} sessions; RCPT at most ${ms(load.slowest)}`,
    };
  },
};

export const namesCases: readonly Case[] = [outages, fromTheStart];
