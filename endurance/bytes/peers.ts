/**
 * Peers that send a byte a second, never finish a packet, announce 4 GB or never read: a thousand of them cost little, are cut
 * off in time, and others notice nothing.
 */
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { offer, packet } from '../../test/milter/support.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { Busyness, type Case, count, Losses, ms, randomBytes } from '../case.ts';
import { Daemon } from '../daemon.ts';
import { Load } from '../load.ts';

const PEERS = 1_000;
/** Descriptors that come and go with the good sessions. */
const FEW = 10;
/** Bytes for each of them, at most: the backlog of one, and what the kernel and Node hold besides. */
const MOST_MEMORY = 300 << 20;

const slow: Case = {
  name: 'bytes/bad-peers',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const busyness = new Busyness(trial);
    const folder = tempDir(trial);
    const black = join(folder, 'black');
    writeFileSync(black, '198.51.100.7\n');
    const daemon = await Daemon.start(trial, { folder, flags: ['--greytimeout', '1', '--custom-bl', black] });
    const load = new Load(trial, {
      socket: daemon.socket,
      connections: 8,
      rate: 200,
      mix: { new: 4, mature: 3, passed: 3 },
      first: 0,
      seed: random(1 << 30),
      delay: 1_000,
    });
    await load.during(1_000, 100);
    const before = daemon.rss;
    const baseline = daemon.descriptors;
    const path = daemon.socket.slice(5);
    const helo = packet('H', `${'x'.repeat(200)}\0`);
    const half = packet('H', `${'x'.repeat(60_000)}\0`).subarray(0, 50_000);
    const huge = Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 0xff, 0x48), randomBytes(random, 10_000)]);
    const session = [packet('C', 'x\x004\0\x19198.51.100.7\0'), packet('H', 'x\0'), packet('M', '<a@b.example>\0')];
    const flood = Buffer.concat([...session, ...Array.from({ length: 6_000 }, () => packet('R', '<c@d.example>\0'))]);
    const sockets: Socket[] = [];
    const drippers: Socket[] = [];
    for (let index = 0; index < PEERS; index++) {
      const socket = connect(path);
      socket.on('error', () => {});
      socket.write(offer());
      const kind = index % 10 === 9 ? 3 : index % 3; // those who flood keep the daemon busy, so they are fewer
      if (kind === 3) socket.pause();
      else socket.resume();
      if (kind === 0) drippers.push(socket);
      else if (kind === 1) socket.write(half);
      else if (kind === 2) socket.write(huge);
      else socket.write(flood);
      sockets.push(socket);
      if (index % 50 === 0) await sleep(5);
    }
    let peak = 0;
    const seconds = short ? 4 : 40;
    for (let second = 0; second < seconds; second++) {
      for (const socket of drippers) if (!socket.destroyed) socket.write(helo.subarray(second, second + 1));
      await sleep(1_000);
      peak = Math.max(peak, daemon.rss - before);
    }
    const patience = busyness.stretch(performance.now() + 10_000);
    /** A peer that does not read does not see that it was cut off: the daemon's descriptors tell. */
    const cut = (): number => PEERS - Math.max(0, daemon.descriptors - baseline - FEW);
    while (cut() < (short ? PEERS / 4 : PEERS) && performance.now() < patience) await sleep(100);
    await load.during(0, 100);
    const cutOff = cut();
    for (const socket of sockets) socket.destroy();
    await load.stop();
    load.judge(losses);
    losses.expect(peak < MOST_MEMORY, 'memory', () => `${peak >> 20} MiB`);
    losses.expect(cutOff >= PEERS / 4, 'those who announce 4 GB were not cut off', () => `${cutOff}`);
    // A packet may take 30 s, and an answer as long to be read.
    if (!short) losses.expect(cutOff >= PEERS, 'some were not cut off after 40 s', () => `${PEERS - cutOff}`);
    losses.expect(load.latency(0.99) < busyness.stretch(1_000), 'others had to wait', () => ms(load.latency(0.99)));
    losses.expect(daemon.exit === undefined, 'the daemon ended');
    return {
      thrown: `${count(PEERS)} peers for ${seconds} s: a byte a second, half a packet, 4 GB announced, answers never read; 200 good sessions/s`,
      lost: losses.list(),
      seen: `${count(cutOff)} cut off; ${peak >> 20} MiB more at most; others: ${count(load.answers)} sessions, RCPT p99 ${ms(load.latency(0.99))}`,
    };
  },
};

export const peerCases: readonly Case[] = [slow];
