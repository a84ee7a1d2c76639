/**
 * Remembers parsed packets. A list's "no such name" is the same for every address but for id and question, and parsing it
 * is the dearest part of a look-up; so a message that differs from one parsed before in nothing that a parser could have
 * looked at is not parsed again.
 *
 * What can a parser look at? Everything behind the question, and by compression pointers (RFC 1035 §4.1.4) what these point to.
 * All that could be a pointer is taken for one, so `reach` is at or before the first byte of the question that matters.
 */
import { Packet } from 'dns2';
import { HEADER_SIZE } from './question.ts';

/** Lists have a few kinds of denials each, by the length of the question. */
const MAX_ENTRIES = 256;

interface Entry {
  readonly message: Buffer;
  /** The first byte of the message that matters, besides the header's flags and counts. */
  readonly reach: number;
  readonly packet: Packet;
}

export class PacketMemo {
  readonly #entries = new Map<number, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** The parsed packet; its header's id and its question may be another's. `end` is where the question ends. Throws as the parser does. */
  parse(message: Buffer, end: number): Packet {
    if (message.readUInt16BE(6) > 0) return Packet.parse(message); // answers name the address, no two are alike
    const key = message.length * 0x10000 + end;
    const entry = this.#entries.get(key);
    if (entry && isAlike(message, entry)) return entry.packet;
    const packet = Packet.parse(message);
    const reach = reachOf(message, end);
    if (reach < HEADER_SIZE) return packet;
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear();
    this.#entries.set(key, { message: Buffer.from(message), reach, packet });
    return packet;
  }
}

/** The lengths are equal, and those of the questions too. */
function isAlike(message: Buffer, { message: known, reach }: Entry): boolean {
  return (
    message.compare(known, 2, HEADER_SIZE, 2, HEADER_SIZE) === 0 &&
    message.compare(known, reach, known.length, reach, message.length) === 0
  );
}

function reachOf(message: Buffer, end: number): number {
  let reach = end;
  for (let at = end; at + 1 < message.length; at++) {
    const high = message[at] ?? 0;
    if (high >= 0xc0) reach = Math.min(reach, ((high & 0x3f) << 8) | (message[at + 1] ?? 0));
  }
  return reach;
}
