/**
 * What a look-up in a prefix table costs, by its size and the number of prefix lengths in use. Half of the look-ups miss.
 * Run: `node bench/prefix-table.ts`. Prints nanoseconds per look-up, median of nine rounds.
 */
import { type Address, addressOf } from '../src/net/address.ts';
import { networkOf } from '../src/net/network.ts';
import { PrefixTable } from '../src/net/prefix-table.ts';

/** A small generator with a seed (mulberry32), so that two runs look at the same addresses. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Kind = 'IPv4' | 'IPv6' | 'IPv6 in one /32';

function randomAddress(random: () => number, kind: Kind): Address {
  const bytes = Uint8Array.from({ length: kind === 'IPv4' ? 4 : 16 }, () => Math.floor(random() * 256));
  if (kind !== 'IPv4') bytes[0] = 0x20;
  if (kind === 'IPv6 in one /32') bytes.set([0x20, 0x01, 0x0d, 0xb8]);
  return addressOf(bytes);
}

function measure(kind: Kind, size: number, prefixes: readonly number[]): string {
  const random = generator(size);
  const members = Array.from({ length: size }, () => randomAddress(random, kind));
  const table = new PrefixTable<string>();
  const started = performance.now();
  for (const [index, member] of members.entries()) {
    table.add(networkOf(member, prefixes[index % prefixes.length]!), `list:${index}`);
  }
  const built = performance.now() - started;
  const probes = Array.from({ length: 10_000 }, (_, index) =>
    index % 2 === 0 && size > 0 ? members[Math.floor(random() * size)]! : randomAddress(random, kind),
  );
  const rounds = Array.from({ length: 9 }, () => round(table, probes)).sort((a, b) => a.each - b.each);
  const median = rounds[4]!;
  return [
    kind.padEnd(15),
    String(size).padStart(7),
    String(prefixes.length).padStart(3),
    `${built.toFixed(0)} ms`.padStart(8),
    `${median.each.toFixed(0)} ns`.padStart(8),
    `${((100 * median.hits) / (probes.length * 20)).toFixed(0)} %`.padStart(6),
  ].join('  ');
}

function round(table: PrefixTable<string>, probes: readonly Address[]): { each: number; hits: number } {
  let hits = 0;
  const started = performance.now();
  for (let repeat = 0; repeat < 20; repeat++) for (const probe of probes) if (table.find(probe) !== undefined) hits++;
  return { each: ((performance.now() - started) * 1e6) / (probes.length * 20), hits };
}

const few4 = [32, 24];
const many4 = [32, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16];
const few6 = [128, 64];
const many6 = [128, 64, 56, 52, 48, 44, 40, 36, 32, 29];
const lines = ['networks         entries  lengths  built  look-up  hits'];
for (const size of [100, 10_000, 100_000]) {
  lines.push(measure('IPv4', size, few4), measure('IPv4', size, many4));
  lines.push(measure('IPv6', size, few6), measure('IPv6', size, many6));
  lines.push(measure('IPv6 in one /32', size, [64, 56, 48]));
}
process.stdout.write(`${lines.join('\n')}\n`);
