/**
 * A key filter: whether a key can be among those added (Bloom, "Space/time trade-offs in hash coding with allowable errors",
 * 1970). It never says no to one that was; to one that was not it says yes now and then, more often the more there are: 0.01 %
 * of the time with a hundred thousand, 3 % with a million.
 */

const BITS = 23;
const HASHES = 3;

export class KeyFilter {
  readonly #bits = new Uint8Array(1 << (BITS - 3));

  add(key: string): void {
    const step = hashOf(key, 0x9747b28c) | 1;
    let place = hashOf(key, 0x811c9dc5);
    for (let round = 0; round < HASHES; round++) {
      const bit = place >>> (32 - BITS);
      this.#bits[bit >>> 3]! |= 1 << (bit & 7);
      place = (place + step) | 0;
    }
  }

  mayHold(key: string): boolean {
    const step = hashOf(key, 0x9747b28c) | 1;
    let place = hashOf(key, 0x811c9dc5);
    for (let round = 0; round < HASHES; round++) {
      const bit = place >>> (32 - BITS);
      if ((this.#bits[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
      place = (place + step) | 0;
    }
    return true;
  }
}

/** FNV-1a, and a stir at the end, since the upper bits are used. */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
