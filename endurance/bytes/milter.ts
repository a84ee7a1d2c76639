/**
 * Milter packets: millions at the session in memory, and thousands of broken streams at a daemon that serves others meanwhile.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { damage, randomChunks, randomStream } from '../../test/milter/random-session.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { type Case, count, Losses, ms } from '../case.ts';
import { Daemon } from '../daemon.ts';
import { Load } from '../load.ts';

const run = promisify(execFile);
const worker = fileURLToPath(new URL('milter-worker.ts', import.meta.url));

interface Report {
  readonly packets: number;
  readonly streams: number;
  readonly behaviours: number;
  readonly failures: readonly string[];
}

const inMemory: Case = {
  name: 'bytes/milter-packets',
  async run(trial) {
    const wanted = trial.short ? 300_000 : 10_000_000;
    const processes = Math.min(4, availableParallelism());
    const reports = await Promise.all(
      Array.from({ length: processes }, async () => {
        const args = [worker, String(trial.random(1 << 30)), String(Math.ceil(wanted / processes))];
        const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 24 });
        return JSON.parse(stdout) as Report;
      }),
    );
    const sum = (of: (report: Report) => number): number => reports.reduce((total, report) => total + of(report), 0);
    return {
      thrown: `${count(sum(report => report.packets))} packets in ${count(sum(report => report.streams))} streams, changed, cut, reordered; chunks of any size`,
      lost: reports.flatMap(report => report.failures),
      seen: `${count(sum(report => report.behaviours))} different courses; to each command its one answer`,
    };
  },
};

const overSockets: Case = {
  name: 'bytes/milter-sockets',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const daemon = await Daemon.start(trial, { folder: tempDir(trial), flags: ['--greytimeout', '1'] });
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 8,
      rate: 200,
      mix: { new: 4, mature: 3, passed: 3 },
      first: 0,
      seed: random(1 << 30),
      delay: 1_000,
    });
    const streams = short ? 2_000 : 30_000;
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent++ < streams) {
        const whole = randomStream(random, 5 + random(40));
        const bytes = random(2) === 0 ? damage(random, whole) : whole;
        const socket = connect(daemon.socket.slice(5));
        const closed = once(socket, 'close').catch(() => {});
        socket.on('error', () => {});
        socket.resume();
        for (const chunk of randomChunks(random, bytes)) socket.write(chunk);
        if (random(3) === 0) socket.destroy();
        else socket.end();
        await closed;
      }
    };
    await Promise.all([...Array.from({ length: 32 }, lane), load.during(1_000, 200)]);
    await load.stop();
    load.judge(losses);
    losses.expect(daemon.exit === undefined, 'the daemon ended');
    losses.expect(
      !/fault in the program|nobody looked/.test(daemon.log),
      'a fault in the log',
      () => daemon.log.match(/.*fault.*/)?.[0] ?? '',
    );
    return {
      thrown: `${count(streams)} broken streams, 32 at a time, some left without a word, at 200 good sessions/s`,
      lost: losses.list(),
      seen: `${count(load.answers)} good sessions; RCPT at most ${ms(load.slowest)}`,
    };
  },
};

export const milterCases: readonly Case[] = [inMemory, overSockets];
