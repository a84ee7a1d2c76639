/**
 * A table from networks to payloads, asked for the longest network that holds an address. One map per prefix length, longest
 * first: a look-up costs one map access for each length in use, however many networks there are. Node's `net.BlockList`
 * scans its rules one by one in most versions and tells only whether one matched (`docs/decisions/0020-prefix-table.md`).
 */
import type { Address } from './address.ts';
import type { Network } from './network.ts';

/** What can be asked of a table, or of whatever holds one. */
export interface PrefixLookup<T> {
  /** The payload of the longest network that holds the address. */
  find(address: Address): T | undefined;
}

/** The networks of one prefix length, by the bits that count. */
interface Level<K, T> {
  readonly prefix: number;
  readonly networks: Map<K, T>;
}

/** The first 32 bits are a small integer to V8, the cheapest key there is. Longer keys are strings. */
const wordBits = 32;

export class PrefixTable<T extends NonNullable<unknown>> implements PrefixLookup<T> {
  readonly #four: Level<number, T>[] = [];
  readonly #six: Level<number, T>[] = [];
  readonly #sixLong: Level<string, T>[] = [];
  /** By the first 32 bits of an IPv6 network: those of `#sixLong` that have networks below them. Saves the other maps. */
  readonly #sixBelow = new Map<number, Level<string, T>[]>();
  #size = 0;

  /** How many networks it holds. */
  get size(): number {
    return this.#size;
  }

  /** Adds a network. One that is there already keeps its payload: the first line that names it is the one to look at. */
  add({ base, prefix }: Network, payload: T): void {
    const word = firstWord(base.bytes);
    if (prefix > wordBits) {
      const level = levelOf(this.#sixLong, prefix);
      const below = this.#sixBelow.get(word) ?? [];
      this.#sixBelow.set(word, below);
      insert(below, level);
      this.#put(level, leadingUnits(base.bytes, prefix), payload);
    } else {
      const level = levelOf(base.family === 4 ? this.#four : this.#six, prefix);
      this.#put(level, leadingBits(word, prefix), payload);
    }
  }

  find({ family, bytes }: Address): T | undefined {
    const word = firstWord(bytes);
    if (family === 4) return findShort(this.#four, word);
    const below = this.#sixBelow.get(word);
    return (below && findLong(below, bytes)) ?? findShort(this.#six, word);
  }

  #put<K>(level: Level<K, T>, key: K, payload: T): void {
    if (level.networks.has(key)) return;
    level.networks.set(key, payload);
    this.#size++;
  }
}

function findShort<T>(levels: readonly Level<number, T>[], word: number): T | undefined {
  for (const { prefix, networks } of levels) {
    const found = networks.get(leadingBits(word, prefix));
    if (found !== undefined) return found;
  }
  return undefined;
}

function findLong<T>(levels: readonly Level<string, T>[], bytes: Uint8Array): T | undefined {
  for (const { prefix, networks } of levels) {
    const found = networks.get(leadingUnits(bytes, prefix));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The level of a prefix length, made if it is new. */
function levelOf<K, T>(levels: Level<K, T>[], prefix: number): Level<K, T> {
  const present = levels.find(level => level.prefix === prefix);
  if (present !== undefined) return present;
  const level = { prefix, networks: new Map<K, T>() };
  insert(levels, level);
  return level;
}

/** Puts a level in its place, longest first, unless it is there. */
function insert<L extends Level<unknown, unknown>>(levels: L[], level: L): void {
  const place = levels.findIndex(other => other.prefix <= level.prefix);
  if (levels[place] === level) return;
  levels.splice(place === -1 ? levels.length : place, 0, level);
}

function firstWord(bytes: Uint8Array): number {
  return (bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
}

function leadingBits(word: number, prefix: number): number {
  // A shift by 32 would be a shift by 0.
  return prefix === 0 ? 0 : word >> (wordBits - prefix);
}

/** The bits that count, 16 in a character. */
function leadingUnits(bytes: Uint8Array, prefix: number): string {
  let units = '';
  for (let at = 0; at < prefix; at += 16) {
    const unit = (bytes[at >> 3]! << 8) | bytes[(at >> 3) + 1]!;
    units += String.fromCharCode(unit >> Math.max(0, at + 16 - prefix));
  }
  return units;
}
