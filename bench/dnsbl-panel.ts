/**
 * What the panel saves, and how long it takes, against rbldnsd on the loopback interface.
 *
 * 1. Packets a decision: two to five lists, 70 % of the clients spammers, of whom the lists know 85, 70, 60, 50 and 30 %;
 *    zones in rotation and only as many as can decide, beside asking all.
 * 2. Time at RCPT, from CONNECT with nothing in between: with cached votes, with three uncached zones, and with one of the
 *    three gone silent a moment ago.
 *
 * Exits with 1 if cached votes cost more than 10 µs (median), or with a silent zone the median is above 150 ms or any above 3 s.
 *
 *     node bench/dnsbl-panel.ts [CLIENTS]
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, systemTimers } from '../src/clock.ts';
import { systemRandom } from '../src/dns/random.ts';
import type { Resolver } from '../src/dns/resolver.ts';
import { createStubResolver } from '../src/dns/stub-resolver.ts';
import type { Policy } from '../src/dnsbl/ballot.ts';
import { type Blocklists, createBlocklists } from '../src/dnsbl/blocklists.ts';
import type { Address } from '../src/net/address.ts';
import { dnsblCheck } from '../src/policy/checks/dnsbl.ts';
import { type Envelope, noMacros, type Session } from '../src/policy/envelope.ts';
import { Child, findProgram, freePort } from '../test/support/process.ts';
import { tempDir } from '../test/support/temp-dir.ts';

const clients = Number(process.argv[2] ?? 4_000);
const hitRates = [0.85, 0.7, 0.6, 0.5, 0.3];
const zoneNames = hitRates.map((_, index) => `z${index}.test`);
const quiet = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

/** A number in [0, 1) that two whole numbers always give. */
function chance(a: number, b: number): number {
  let hash = Math.imul(a + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f);
  return ((hash ^ (hash >>> 13)) >>> 0) / 4294967296;
}

const isSpammer = (client: number): boolean => chance(client, 99) < 0.7;

function addressOf(client: number): Address {
  const bytes = Uint8Array.from([45, (client >> 16) & 255, (client >> 8) & 255, client & 255]);
  return { family: 4, bytes, text: bytes.join('.') };
}

/** A relay in front of rbldnsd that can lose all questions for one zone. */
class Relay {
  /** The label of the zone that is lost. */
  silent: string | undefined;
  readonly #socket: Socket = createSocket('udp4');
  readonly #upstreams = new Map<number, Socket>();

  /** Starts relaying to this port; resolves to its own. */
  async listen(to: number): Promise<number> {
    this.#socket.on('message', (message, { port }) => {
      if (this.silent === undefined || !message.includes(this.silent))
        this.#towards(port).send(message, to, '127.0.0.1');
    });
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    return this.#socket.address().port;
  }

  close(): void {
    for (const socket of [this.#socket, ...this.#upstreams.values()]) socket.close();
  }

  #towards(client: number): Socket {
    const known = this.#upstreams.get(client);
    if (known) return known;
    const socket = createSocket('udp4');
    socket.on('message', reply => this.#socket.send(reply, client, '127.0.0.1'));
    this.#upstreams.set(client, socket);
    return socket;
  }
}

interface Setup {
  readonly lists: Blocklists;
  readonly resolver: Resolver;
  /** Packets sent so far. */
  readonly packets: () => number;
}

async function setUp(port: number, zones: number, policy: Policy, fanout: 'minimal' | 'all'): Promise<Setup> {
  let packets = 0;
  const debug = { write: (line: string) => line.includes(' > ') && packets++ };
  const servers = [{ address: '127.0.0.1', family: 4 as const, port }];
  const resolver = createStubResolver({ servers, clock: systemClock, random: systemRandom, logger: quiet, debug });
  const options = { zones: zoneNames.slice(0, zones), policy, fanout };
  const deps = { resolver, clock: systemClock, timers: systemTimers, random: Math.random, log: quiet };
  const lists = createBlocklists(options, deps);
  await lists.start();
  return { lists, resolver, packets: () => packets };
}

async function tearDown({ lists, resolver }: Setup): Promise<void> {
  lists.stop();
  await resolver.close();
}

/** Runs `work` for 0 … count-1, sixteen at a time. */
async function eachOf(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** Packets a decision, for spammers and others, and the greatest share of a zone in them over the least. */
async function packetsFor(port: number, zones: number, policy: Policy, fanout: 'minimal' | 'all'): Promise<string> {
  const setup = await setUp(port, zones, policy, fanout);
  const sent = [0, 0];
  const count = [0, 0];
  for (let client = 0; client < clients; client++) {
    const kind = isSpammer(client) ? 0 : 1;
    const before = setup.packets();
    await setup.lists.panel.decide(addressOf(client));
    sent[kind]! += setup.packets() - before;
    count[kind]!++;
  }
  await tearDown(setup);
  const mean = (sent[0]! + sent[1]!) / clients;
  return `${mean.toFixed(2)} (${(sent[0]! / count[0]!).toFixed(2)}/${(sent[1]! / count[1]!).toFixed(2)})`;
}

/** Milliseconds from CONNECT to the word on a recipient. */
async function times(setup: Setup, count: number, clientOf: (index: number) => number): Promise<number[]> {
  const check = dnsblCheck({ panel: setup.lists.panel, zones: setup.lists.zones, reject: true });
  const taken: number[] = [];
  await eachOf(count, async index => {
    const address = addressOf(clientOf(index));
    const session: Session = { id: 's', address, transport: 'tcp', name: 'client', daemonName: undefined };
    const rest = { helo: 'client', sender: 'a@example.net', recipient: 'b@example.org' };
    const envelope: Envelope = {
      id: `${session.id}.1`,
      session,
      ...rest,
      authenticated: undefined,
      macros: noMacros,
      rejectedByMta: false,
    };
    const begun = performance.now();
    check.prefetch?.(session);
    const word = check.run(envelope);
    if (word instanceof Promise) await word;
    taken.push(performance.now() - begun);
  });
  return taken.sort((a, b) => a - b);
}

function quantiles(sorted: readonly number[]): string {
  const at = (share: number): string =>
    (sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN).toFixed(3).padStart(9);
  return `${at(0.5)} ${at(0.95)} ${at(0.99)} ${at(1)}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function comparePackets(port: number): Promise<void> {
  print(`packets a decision, all (spam/other), ${clients} clients\n`);
  print('zones  policy    rotation          asking all');
  for (const zones of [2, 3, 4, 5])
    for (const policy of ['any', 'majority', 'all'] as const) {
      const minimal = await packetsFor(port, zones, policy, 'minimal');
      const all = await packetsFor(port, zones, policy, 'all');
      print(`${String(zones).padEnd(6)} ${policy.padEnd(9)} ${minimal.padEnd(17)} ${all}`);
    }
}

async function measureTimes(port: number): Promise<boolean> {
  print('\ntime at RCPT with three zones, any, sixteen sessions at a time, ms');
  print('                           p50       p95       p99       max');
  const cold = await setUp(port, 3, 'any', 'minimal');
  const uncached = await times(cold, clients, index => 1_000_000 + index);
  const cached = await times(cold, clients, index => 1_000_000 + index);
  await tearDown(cold);
  print(`cached votes         ${quantiles(cached)}`);
  print(`uncached             ${quantiles(uncached)}`);

  const relay = new Relay();
  const dying = await setUp(await relay.listen(port), 3, 'any', 'minimal');
  await times(dying, 200, index => 2_000_000 + index);
  relay.silent = '\u0002z0\u0004test';
  const dead = await times(dying, clients, index => 3_000_000 + index);
  await tearDown(dying);
  relay.close();
  print(`one gone silent      ${quantiles(dead)}`);
  const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1] ?? Number.NaN;
  return median(cached) <= 0.01 && median(dead) <= 150 && (dead.at(-1) ?? Number.NaN) <= 3_000;
}

async function main(): Promise<number> {
  const program = await findProgram('rbldnsd');
  if (!program) {
    process.stderr.write('rbldnsd is not installed\n');
    return 69;
  }
  const cleaners: (() => void | Promise<void>)[] = [];
  const directory = tempDir({ after: clean => cleaners.push(clean) });
  const soa = '$SOA 60 ns.test hostmaster.test 0 600 300 86400 60\n$TTL 60\n:127.0.0.2:Listed\n127.0.0.2\n';
  for (const [index, zone] of zoneNames.entries()) {
    const listed: string[] = [];
    for (const base of [0, 1_000_000, 2_000_000, 3_000_000])
      for (let client = base; client < base + clients; client++)
        if (isSpammer(client) && chance(client, index) < hitRates[index]!) listed.push(addressOf(client).text);
    writeFileSync(join(directory, zone), `${soa}${listed.join('\n')}\n`, { mode: 0o644 });
  }
  const port = await freePort();
  const user = process.getuid?.() === 0 ? ['-u', 'rbldns'] : [];
  const data = zoneNames.map(zone => `${zone}:ip4set:${zone}`);
  const server = new Child(program, ['-n', ...user, '-w', directory, '-b', `127.0.0.1/${port}`, ...data]);
  try {
    await server.line(/started/);
    await comparePackets(port);
    return (await measureTimes(port)) ? 0 : 1;
  } finally {
    await server.stop();
    for (const clean of cleaners) await clean();
  }
}

process.exitCode = await main();
