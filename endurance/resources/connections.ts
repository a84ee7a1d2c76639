/**
 * Too many connections: for the descriptors the daemon may have, and for its own limit.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectMilter, type MilterClient } from '../../src/milter/client.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { type Case, count, Losses, ms } from '../case.ts';
import { Daemon } from '../daemon.ts';
import { Load } from '../load.ts';

/** The daemon's own limit. */
const LIMIT = 10_000;

async function openMany(socket: string, number: number, at = 100): Promise<{ open: MilterClient[]; failed: number }> {
  const open: MilterClient[] = [];
  let failed = 0;
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun++ < number) {
      try {
        const client = await connectMilter(socket, { timeout: 60_000 });
        open.push(client);
        await client.negotiate();
      } catch {
        failed += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: at }, lane));
  return { open, failed };
}

/** A whole session up to the first recipient, on a connection that has negotiated. */
async function greylisted(client: MilterClient, serial: number): Promise<string> {
  const address = `9.${serial >> 16}.${(serial >> 8) & 255}.${serial & 255}`;
  await client.connect({ hostname: 'x', peer: { family: 'ipv4', address, port: 25 } });
  await client.helo('mail.example.net');
  await client.mail([`<someone@h${serial}.example>`]);
  const reply = await client.rcpt([`<h${serial}@rcpt.example>`]);
  return reply.kind === 'reply' ? String(reply.code) : reply.kind;
}

const descriptors: Case = {
  name: 'resources/out-of-descriptors',
  async run(trial) {
    const losses = new Losses();
    const daemon = await Daemon.start(trial, { folder: tempDir(trial), flags: ['--greytimeout', '60'] });
    await sleep(500);
    const limit = daemon.descriptors + 30;
    const early = await openMany(daemon.socket, 10);
    execFileSync('prlimit', ['--pid', String(daemon.pid), `--nofile=${limit}:`]);
    const crowd = Array.from({ length: 300 }, () =>
      connectMilter(daemon.socket, { timeout: 3_000 }).catch(() => undefined),
    );
    await sleep(1_000);
    // Those that were there go on, new triplets and all.
    for (const [index, client] of early.open.entries()) {
      const word = await greylisted(client, index).catch(String);
      losses.expect(word === '451' || word === 'proceed', 'a session that was open before', () => word);
    }
    await sleep(trial.short ? 1_000 : 5_000);
    losses.expect(daemon.exit === undefined, 'the daemon ended');
    execFileSync('prlimit', ['--pid', String(daemon.pid), '--nofile=4096:']);
    for (const client of await Promise.all(crowd)) client?.destroy();
    for (const client of early.open) client.quit();
    const start = performance.now();
    await daemon.serving();
    const back = performance.now() - start;
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 8,
      mix: { new: 1 },
      first: 0,
      seed: 1,
      delay: 60_000,
    });
    await load.during(1_000, 100);
    await load.stop();
    load.judge(losses);
    return {
      thrown: `30 descriptors left, 310 connections wanted`,
      lost: losses.list(),
      seen: `sessions that were open went on; ${ms(back)} after the crowd had left it served again`,
    };
  },
};

const tenThousand: Case = {
  name: 'resources/10000-connections',
  async run(trial) {
    const losses = new Losses();
    const hard = Number(
      /^Max open files\s+\S+\s+(\d+|unlimited)/m.exec(
        execFileSync('cat', ['/proc/self/limits'], { encoding: 'utf8' }),
      )?.[1] ?? 0,
    );
    const number = Math.min(LIMIT, (Number.isNaN(hard) ? 20_000 : hard) - 200);
    const daemon = await Daemon.start(trial, { folder: tempDir(trial), flags: ['--greytimeout', '60'] });
    const empty = daemon.rss;
    const start = performance.now();
    const { open, failed } = await openMany(daemon.socket, number);
    const opened = performance.now() - start;
    losses.expect(failed === 0, 'a connection within the limit', () => `${failed} failed`);
    const full = daemon.rss;
    let refused = 0;
    // A machine that gives fewer descriptors can't show the daemon's own limit.
    const more = number < LIMIT ? { open: [], failed: 0 } : await openMany(daemon.socket, 50, 10);
    refused = more.failed;
    if (number === LIMIT)
      losses.expect(refused === 50, 'a connection beyond the limit was served', () => `${50 - refused}`);
    let slowest = 0;
    let at = 0;
    const lane = async (): Promise<void> => {
      for (let index = at++; index < open.length; index = at++) {
        const begun = performance.now();
        const word = await greylisted(open[index] as MilterClient, index).catch(String);
        slowest = Math.max(slowest, performance.now() - begun);
        losses.expect(word === '451', 'a session among ten thousand', () => word);
      }
    };
    await Promise.all(Array.from({ length: 500 }, lane));
    for (const client of [...open, ...more.open]) client.quit();
    const left = performance.now();
    let idle = daemon.descriptors;
    while (idle > 100 && performance.now() - left < 60_000) {
      await sleep(50);
      idle = daemon.descriptors;
    }
    losses.expect(idle <= 100, 'descriptors after all had left', () => `${idle}`);
    await daemon.serving();
    return {
      thrown: `${count(number)} connections at once, then 50 more; a session on each, 500 at a time`,
      lost: losses.list(),
      seen: `opened in ${ms(opened)}; ${Math.round((full - empty) / number / 1024)} KiB each; ${refused} of 50 beyond the limit closed; a session at most ${ms(slowest)}`,
    };
  },
};

export const connectionCases: readonly Case[] = [descriptors, tenThousand];
