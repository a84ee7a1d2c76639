/**
 * How many look-ups a second the resolver makes, beside `node:dns` (c-ares), against the same rbldnsd on the loopback
 * interface: names never asked before, one in ten listed. Rounds alternate, the medians count; exits with 1 if ours is slower
 * at 32 in flight.
 *
 *     node bench/dns-resolver.ts [SECONDS-A-ROUND] [ROUNDS]
 */
import { Resolver as NodeResolver } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../src/clock.ts';
import { systemRandom } from '../src/dns/random.ts';
import { createStubResolver } from '../src/dns/stub-resolver.ts';
import { Child, findProgram } from '../test/support/process.ts';
import { tempDir } from '../test/support/temp-dir.ts';

const seconds = Number(process.argv[2] ?? 1);
const rounds = Number(process.argv[3] ?? 7);
const WINDOWS = [1, 32, 256];

type Ask = (name: string) => Promise<unknown>;
interface Candidate {
  readonly name: string;
  make(port: number): { readonly ask: Ask; close(): Promise<void> | void };
}

const quiet = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
const candidates: readonly Candidate[] = [
  {
    name: 'node:dns',
    make: port => {
      const resolver = new NodeResolver({ timeout: 250, tries: 5 });
      resolver.setServers([`127.0.0.1:${port}`]);
      return { ask: name => resolver.resolve4(name, { ttl: true }).catch(() => {}), close: () => resolver.cancel() };
    },
  },
  {
    name: 'ours',
    make: port => {
      const servers = [{ address: '127.0.0.1', family: 4 as const, port }];
      const resolver = createStubResolver({ servers, clock: systemClock, random: systemRandom, logger: quiet });
      return { ask: name => resolver.resolve(name, 'A'), close: () => resolver.close() };
    },
  },
];

let serial = 0;
/** Names in order of a counter: 0.0.0.x.bl.test is listed for every tenth x. */
function nextName(): string {
  const n = ++serial;
  return `${n % 250}.${(n >> 8) & 255}.${(n >> 16) & 255}.${1 + ((n >> 24) % 120)}.bl.test`;
}

async function measure(ask: Ask, inFlight: number): Promise<{ rate: number; cpu: number }> {
  const end = performance.now() + seconds * 1000;
  const start = performance.now();
  const cpu = process.cpuUsage();
  let count = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      await ask(nextName());
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const used = process.cpuUsage(cpu);
  const elapsed = performance.now() - start;
  return { rate: (count * 1000) / elapsed, cpu: (used.user + used.system) / count };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function main(): Promise<number> {
  const program = await findProgram('rbldnsd');
  if (!program) {
    process.stderr.write('rbldnsd is not installed\n');
    return 69;
  }
  const cleaners: (() => void | Promise<void>)[] = [];
  const directory = tempDir({ after: clean => cleaners.push(clean) });
  const listed = Array.from({ length: 25 }, (_, i) => `1.0.0.${i * 10}`);
  writeFileSync(
    join(directory, 'zone'),
    `$SOA 60 ns.bl.test hostmaster.bl.test 0 600 300 86400 60\n$TTL 60\n:127.0.0.2:Listed\n127.0.0.2\n${listed.join('\n')}\n`,
    { mode: 0o644 },
  );
  const port = 20_000 + (process.pid % 10_000);
  const user = process.getuid?.() === 0 ? ['-u', 'rbldns'] : [];
  const args = ['-n', ...user, '-w', directory, '-b', `127.0.0.1/${port}`, 'bl.test:ip4set:zone'];
  const server = new Child(program, args);
  try {
    await server.line(/started/);
    const results = new Map<string, { rate: number; cpu: number }[]>();
    for (let round = 0; round < rounds; round++) {
      for (const inFlight of WINDOWS) {
        for (const candidate of round % 2 === 0 ? candidates : candidates.toReversed()) {
          const { ask, close } = candidate.make(port);
          const result = await measure(ask, inFlight);
          await close();
          const key = `${candidate.name} ${inFlight}`;
          results.set(key, [...(results.get(key) ?? []), result]);
        }
      }
    }
    let ratioAt32 = 0;
    process.stdout.write('in flight   node:dns q/s (µs CPU)   ours q/s (µs CPU)   ratio\n');
    for (const inFlight of WINDOWS) {
      const [theirs = [], ours = []] = candidates.map(({ name }) => results.get(`${name} ${inFlight}`) ?? []);
      const rates = [theirs, ours].map(list => median(list.map(result => result.rate)));
      const cpus = [theirs, ours].map(list => median(list.map(result => result.cpu)));
      const ratio = (rates[1] ?? 0) / (rates[0] ?? 1);
      if (inFlight === 32) ratioAt32 = ratio;
      const cell = (i: number): string => `${rates[i]?.toFixed(0)} (${cpus[i]?.toFixed(1)})`;
      process.stdout.write(
        `${String(inFlight).padEnd(12)}${cell(0).padEnd(24)}${cell(1).padEnd(20)}${ratio.toFixed(2)}\n`,
      );
    }
    return ratioAt32 >= 1 ? 0 : 1;
  } finally {
    await server.stop();
    for (const clean of cleaners) await clean();
  }
}

process.exitCode = await main();
