/**
 * The daemon as a whole, in this process, on sockets and files of its own: the order of its start, reloads, faults, its end. Time
 * stands still unless a test lets it go by.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { type Config, DEFAULTS } from '../src/config/config.ts';
import { type Daemon, type DaemonDependencies, startDaemon } from '../src/daemon.ts';
import { formatServer } from '../src/dns/servers.ts';
import { connectMilter, type MilterClient } from '../src/milter/index.ts';
import type { Decision } from '../src/policy/decision.ts';
import { nameOf, replyTo, soa } from './support/dns-message.ts';
import { FixedClock } from './support/fixed-clock.ts';
import { FixedTimers, settle } from './support/fixed-timers.ts';
import { recordingLogger } from './support/recording-logger.ts';
import { ScriptedDns } from './support/scripted-dns.ts';
import { tempDir } from './support/temp-dir.ts';

/** What the tests configure; the rest are defaults. */
interface Settings {
  readonly socket: string;
  readonly database: string;
  readonly whitelist?: string;
  readonly blacklist?: string;
  readonly delay?: number;
  readonly zones?: readonly string[];
  readonly policy?: 'any' | 'all';
  readonly resolver?: string;
  readonly onFailure?: 'accept' | 'tempfail';
  readonly socketMode?: number;
}

function configOf(settings: Settings): Config {
  const { greylist, dns, dnsbl } = DEFAULTS;
  const { socket, database, whitelist, blacklist, delay = greylist.delay, zones = [], policy = 'any' } = settings;
  const { resolver, onFailure = 'accept', socketMode = DEFAULTS.socketMode } = settings;
  return {
    ...DEFAULTS,
    socket: [socket],
    socketMode,
    database,
    whitelist: { ...DEFAULTS.whitelist, files: whitelist ? [whitelist] : [] },
    blacklist: { ...DEFAULTS.blacklist, files: blacklist ? [blacklist] : [] },
    greylist: { ...greylist, delay },
    dnsbl: { ...dnsbl, zones: zones.map(zone => ({ zone })), policy },
    dns: { ...dns, resolvers: resolver ? [resolver] : [] },
    onFailure,
  };
}

class Rig {
  readonly settings: Settings;
  readonly clock: FixedClock = new FixedClock();
  readonly timers: FixedTimers = new FixedTimers(this.clock);
  readonly lines: readonly string[];
  readonly decisions: Decision[] = [];
  readonly #t: TestContext;
  readonly #dependencies: DaemonDependencies;

  constructor(t: TestContext, settings: Partial<Settings> = {}, dropPrivileges: (rig: Rig) => void = () => {}) {
    const directory = tempDir(t);
    this.#t = t;
    this.settings = { socket: join(directory, 'g.sock'), database: join(directory, 'g.db'), ...settings };
    const { logger, lines } = recordingLogger();
    this.lines = lines;
    this.#dependencies = {
      logger,
      decisions: { write: decision => this.decisions.push(decision), settled: () => {} },
      socketGid: undefined,
      dropPrivileges: () => dropPrivileges(this),
      clock: this.clock,
      timers: this.timers,
    };
  }

  async start(settings: Partial<Settings> = {}): Promise<Daemon> {
    const daemon = await startDaemon(configOf({ ...this.settings, ...settings }), this.#dependencies);
    this.#t.after(async () => {
      const stopped = daemon.stop();
      this.clock.advance(10_000);
      await stopped;
    });
    return daemon;
  }

  reload(daemon: Daemon, settings: Partial<Settings>): Promise<void> {
    return daemon.reload(configOf({ ...this.settings, ...settings }));
  }

  /** An MTA that has greeted for a client. */
  async client(address: string): Promise<MilterClient> {
    const client = await connectMilter(this.settings.socket);
    this.#t.after(() => client.destroy());
    await client.negotiate();
    const { kind } = await client.connect({ hostname: `[${address}]`, peer: { family: 'ipv4', address, port: 25 } });
    if (kind === 'proceed') await client.helo('mx.example.net');
    else assert.equal(kind, 'accept');
    return client;
  }

  /** What a client's first recipient is answered, or `accept` for its whole connection. */
  async visit(address: string): Promise<string> {
    const client = await connectMilter(this.settings.socket);
    await client.negotiate();
    const connected = await client.connect({ hostname: 'x', peer: { family: 'ipv4', address, port: 25 } });
    const reply = connected.kind === 'proceed' ? await recipient(client) : connected;
    client.quit();
    return 'text' in reply ? reply.text : reply.kind;
  }
}

async function recipient(client: MilterClient, from = 'a@example.net', to = 'b@example.org') {
  await client.mail([`<${from}>`]);
  return client.rcpt([`<${to}>`]);
}

const greylisted = '451 4.7.1 Greylisting in action, please come back later (300 secs)';
const blacklisted = '550 5.7.1 Rejected. Address 192.0.2.7 is blacklisted';

function fileOf(t: TestContext, text: string): string {
  const path = join(tempDir(t), 'list');
  writeFileSync(path, text);
  return path;
}

test('sockets first, then the rights are given up, then the database is made; who has come meanwhile is answered', async t => {
  const seen: (readonly [socket: boolean, database: boolean])[] = [];
  let early: Promise<MilterClient> | undefined;
  const rig = new Rig(t, {}, ({ settings: { socket, database } }) => {
    seen.push([existsSync(socket), existsSync(database)]);
    early = connectMilter(socket);
  });
  const daemon = await rig.start();
  assert.deepEqual(seen, [[true, false]]);
  assert.deepEqual(daemon.listening, [`unix:${rig.settings.socket}`]);
  assert.equal(daemon.database, rig.settings.database);
  assert.ok(existsSync(rig.settings.database));
  const client = await early;
  await client?.negotiate();
  const peer = { family: 'ipv4', address: '203.0.113.7', port: 25 } as const;
  assert.deepEqual(await client?.connect({ hostname: 'x', peer }), { kind: 'proceed' });
  client?.destroy();
});

test('a mistake in a file ends the start before anything is made', async t => {
  let dropped = 0;
  const rig = new Rig(t, { blacklist: fileOf(t, '203.0.113.256\n') }, () => dropped++);
  await assert.rejects(rig.start(), /list:1:/);
  for (const wrong of [{ zones: ['bad'] }, { delay: 3 * 86_400_000 }, { resolver: 'nonsense' }])
    await assert.rejects(rig.start({ blacklist: fileOf(t, ''), ...wrong }), JSON.stringify(wrong));
  const { socket, database } = rig.settings;
  assert.deepEqual([existsSync(socket), existsSync(database), dropped], [false, false, 0]);
});

test('a database that can not be used ends the start, and takes the socket with it', async t => {
  const database = fileOf(t, 'precious, and no database at all\n'.repeat(100));
  const rig = new Rig(t, { database });
  await assert.rejects(rig.start(), { name: 'StoreError', message: new RegExp(`^${database}: `) });
  assert.equal(existsSync(rig.settings.socket), false);
  assert.match(readFileSync(database, 'utf8'), /^precious/);
  await assert.rejects(connectMilter(rig.settings.socket), { code: 'ENOENT' });
});

test('of two sockets one is taken: the other is given up again', async t => {
  const rig = new Rig(t);
  await rig.start();
  const other = join(tempDir(t), 'other.sock');
  const second = startDaemon(
    { ...configOf({ ...rig.settings, database: ':memory:' }), socket: [other, rig.settings.socket] },
    {
      logger: recordingLogger().logger,
      decisions: { write() {}, settled() {} },
      socketGid: undefined,
      dropPrivileges: () => assert.fail('too early'),
    },
  );
  await assert.rejects(second, { name: 'SocketInUseError' });
  assert.equal(existsSync(other), false);
  assert.equal(await rig.visit('203.0.113.7'), greylisted);
});

test('a reload puts all lists in force at once, and without interrupting a session', async t => {
  const [whitelist, blacklist] = [fileOf(t, ''), fileOf(t, '')];
  const rig = new Rig(t, { whitelist, blacklist });
  const daemon = await rig.start();
  const open = await rig.client('192.0.2.7');
  assert.equal((await recipient(open)).kind, 'reply');
  writeFileSync(whitelist, '198.51.100.7\n');
  writeFileSync(blacklist, '192.0.2.7\n');
  await rig.reload(daemon, {});
  assert.deepEqual([await rig.visit('198.51.100.7'), await rig.visit('192.0.2.7')], ['accept', blacklisted]);
  // The message under way keeps what held at its MAIL; the next one of the same connection does not.
  const [same] = [await open.rcpt(['<c@example.org>'])];
  assert.equal('text' in same && same.text, greylisted);
  open.abort();
  const next = await recipient(open);
  assert.equal('text' in next && next.text, blacklisted);
});

test('a reload with anything wrong changes nothing at all', async t => {
  const [whitelist, blacklist] = [fileOf(t, '198.51.100.7\n'), fileOf(t, '192.0.2.7\n')];
  const rig = new Rig(t, { whitelist, blacklist });
  const daemon = await rig.start();
  const asBefore = async (): Promise<void> => {
    const visits = [await rig.visit('198.51.100.7'), await rig.visit('192.0.2.7'), await rig.visit('203.0.113.7')];
    assert.deepEqual(visits.slice(0, 2), ['accept', blacklisted]);
    assert.match(visits[2] ?? '', /^451 4\.7\.1 Greylisting .*\(300 secs\)$/);
  };
  await asBefore();
  writeFileSync(whitelist, '203.0.113.7\n');
  writeFileSync(blacklist, '198.51.100.7\n\nnonsense\n');
  await assert.rejects(rig.reload(daemon, {}), new RegExp(`^ListError: ${blacklist}:3:`));
  await asBefore();
  writeFileSync(blacklist, '198.51.100.7\n');
  for (const wrong of [{ zones: ['bad'] }, { delay: 3 * 86_400_000 }, { blacklist: '/nonexistent' }]) {
    await assert.rejects(rig.reload(daemon, wrong), JSON.stringify(wrong));
    await asBefore();
  }
  assert.deepEqual(rig.lines, []);
});

test('what needs a restart is told by name, and the rest of the reload holds', async t => {
  const rig = new Rig(t);
  const daemon = await rig.start();
  const elsewhere = join(tempDir(t), 'elsewhere');
  await rig.reload(daemon, {
    socket: `${elsewhere}.sock`,
    socketMode: 0o600,
    database: `${elsewhere}.db`,
    delay: 60_000,
  });
  const told = rig.lines.map(line => /^warn a changed (\w+) takes effect at the next start/.exec(line)?.[1] ?? line);
  assert.equal(told.length, 3, told.join('\n'));
  assert.deepEqual([existsSync(`${elsewhere}.sock`), existsSync(`${elsewhere}.db`)], [false, false]);
  assert.equal(await rig.visit('203.0.113.7'), greylisted.replace('300', '60'));
});

test('a triplet outlives a reload with another delay', async t => {
  const rig = new Rig(t);
  const daemon = await rig.start();
  assert.equal(await rig.visit('203.0.113.7'), greylisted);
  await rig.reload(daemon, { delay: 60_000 });
  rig.clock.advance(60_000);
  assert.equal(await rig.visit('203.0.113.7'), 'proceed');
});

test('blocklists keep their health over a reload that does not concern them, and are tested anew after one that does', async t => {
  const dns = await ScriptedDns.start(t, {
    udp: ({ message, send }) => send(replyTo(message, { rcode: 3, authorities: [soa('bl.test', 60, 60)] })),
  });
  const rig = new Rig(t, { zones: ['bl.test'], resolver: formatServer(dns.address) });
  const daemon = await rig.start();
  await dns.received(4); // both test entries, IPv4 and IPv6
  assert.ok(dns.queries.every(({ message }) => nameOf(message).endsWith('.bl.test')));
  await rig.reload(daemon, { delay: 60_000 });
  for (let turn = 0; turn < 10; turn++) await settle();
  assert.equal(dns.queries.length, 4);
  await rig.reload(daemon, { policy: 'all' });
  await dns.received(8);
});

for (const [onFailure, answer] of [
  ['accept', 'proceed'],
  ['tempfail', '451 4.'],
] as const) {
  test(`a database that stays locked is told, and after 3 s its recipients are answered: ${onFailure}`, async t => {
    const rig = new Rig(t, { onFailure });
    await rig.start();
    const other = new Database(rig.settings.database);
    other.exec('BEGIN EXCLUSIVE');
    try {
      const client = await rig.client('203.0.113.7');
      const idle = rig.timers.size;
      const answers: string[] = [];
      const answered = recipient(client).then(reply => answers.push('text' in reply ? reply.text : reply.kind));
      while (rig.timers.size === idle) await settle(); // until it is with the daemon
      await rig.timers.advance(2_999);
      for (let turn = 0; turn < 10; turn++) await settle();
      assert.equal(answers.length, 0);
      await rig.timers.advance(1);
      await answered;
      assert.ok(answers[0]?.startsWith(answer), answers[0]);
      assert.equal(rig.decisions.at(-1)?.verdict.reason, 'fault');
      assert.deepEqual(
        rig.lines.map(line => line.split(' ', 3).join(' ')),
        ['error check greylist'],
      );
    } finally {
      other.exec('ROLLBACK');
      other.close();
    }
    await rig.timers.advance(1_000);
    assert.match(await rig.visit('198.51.100.7'), /^451 4\.7\.1 Greylisting in action/);
  });
}

test('a peer that breaks the protocol is told of, also right after one that was only helped along', async t => {
  const rig = new Rig(t);
  await rig.start();
  const confused = await rig.client('203.0.113.7');
  await confused.rcpt(['<b@example.org>']);
  const poor = await connectMilter(rig.settings.socket);
  await assert.rejects(poor.negotiate({ actions: 0x02 }));
  assert.match(rig.lines.join('\n'), /rcpt out of sequence, .* closed=false$/m);
  assert.match(rig.lines.join('\n'), /does not offer the actions 0x1 that this filter needs closed=true$/m);
});

test('stopping waits for a session under way, and takes no new one', async t => {
  const rig = new Rig(t);
  const daemon = await rig.start();
  const open = await rig.client('203.0.113.7');
  await recipient(open);
  let stopped = false;
  const stop = daemon.stop().then(() => {
    stopped = true;
  });
  await assert.rejects(connectMilter(rig.settings.socket));
  assert.equal(existsSync(rig.settings.socket), false);
  rig.clock.advance(9_000);
  const late = await open.rcpt(['<c@example.org>']);
  assert.equal('text' in late && late.text, greylisted);
  assert.equal(stopped, false);
  open.quit();
  await stop;
  const database = new Database(rig.settings.database, { readonly: true });
  t.after(() => void database.close());
  assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
});

test('of two reloads at once the later one is in force in the end', async t => {
  const rig = new Rig(t);
  const daemon = await rig.start();
  const lines = Array.from({ length: 20_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}\n`);
  const slow = rig.reload(daemon, { whitelist: fileOf(t, `192.0.2.7\n${lines.join('')}`) });
  await rig.reload(daemon, { blacklist: fileOf(t, '192.0.2.7\n') });
  await slow;
  assert.equal(await rig.visit('192.0.2.7'), blacklisted);
});

test('a reload that is not done when the daemon stops puts nothing in force', async t => {
  const rig = new Rig(t);
  const daemon = await rig.start();
  await rig.timers.advance(1); // the keys of notes have been read
  const reload = rig.reload(daemon, { delay: 60_000, zones: ['bl.example'], resolver: '127.0.0.1:9' });
  const stopped = daemon.stop();
  await assert.rejects(reload, /the daemon is stopping/);
  rig.clock.advance(10_000);
  await stopped;
  assert.equal(rig.timers.size, 0);
});

test('stopping waits for 10 s at most', async t => {
  const rig = new Rig(t);
  const daemon = await rig.start();
  const open = await rig.client('203.0.113.7');
  await recipient(open);
  const stop = daemon.stop();
  rig.clock.advance(10_000);
  await stop;
  await assert.rejects(open.rcpt(['<c@example.org>']));
});
