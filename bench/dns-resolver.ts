/**
 * How many look-ups a second the resolver makes, beside `node:dns` (c-ares), against the same rbldnsd on the loopback
 * interface: names never asked before, one in ten listed. Rounds alternate, the medians count; exits with 1 if ours is slower
 * at 32 in flight.
 *
 *     node bench/dns-resolver.ts [SECONDS-A-ROUND] [ROUNDS]
 */
import { Resolver as NodeResolver } from 'node:dns/promises';
import { systemClock } from '../src/clock.ts';
import { systemRandom } from '../src/dns/random.ts';
import { createStubResolver } from '../src/dns/stub-resolver.ts';
import { rbldnsdMissing, startRbldnsd, testEntry } from '../test/e2e/support/rbldnsd.ts';

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
/** Names never asked before: 10.x.y.z, listed where y is a multiple of ten. */
function nextName(): string {
  const n = ++serial;
  return `${(n >> 8) & 255}.${n & 255}.${(n >> 16) & 255}.10.bl.test`;
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
  if (rbldnsdMissing) {
    process.stderr.write(`${rbldnsdMissing}\n`);
    return 69;
  }
  const cleaners: (() => void | Promise<void>)[] = [];
  try {
    const listed = Array.from({ length: 256 * 26 }, (_, i) => `10.${i % 256}.${Math.floor(i / 256) * 10}.0/24`);
    const zones = { 'bl.test': { ip4: [...testEntry.ip4, ...listed] } };
    const { port } = await startRbldnsd({ after: clean => cleaners.unshift(clean) }, zones);
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
    for (const clean of cleaners) await clean();
  }
}

process.exitCode = await main();
