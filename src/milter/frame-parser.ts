/**
 * Framing: `uint32be length, byte command, data`, the length counting command and data. Bytes go in by `feed`, packets
 * come out by `read`, one at a time, so that whoever reads may stop between two packets. No I/O.
 *
 * A packet that lies whole in one chunk is not copied: `buffer`, `start` and `end` point into the chunk and are valid until
 * the next `read` or `feed`. Only a packet cut by a chunk's end is copied, into a buffer that grows with what has really
 * arrived, so a peer that announces much and sends little costs little.
 */
import { ProtocolError } from './protocol-error.ts';

const HEADER = 4;
const EMPTY: Buffer = Buffer.alloc(0);
const FIRST_CAPACITY = 512;

export class FrameParser {
  /** The packet last read: its command byte, and where its data lies. */
  command = 0;
  buffer: Buffer = EMPTY;
  start = 0;
  end = 0;

  readonly #limit: number;
  #chunk: Buffer = EMPTY;
  #position = 0;
  #queue: Buffer[] = [];
  #queued = 0;
  #partial: Buffer = EMPTY;
  #filled = 0;

  /** @param limit the largest length field taken, in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes held that `read` has not handed out yet. */
  get pending(): number {
    return this.#chunk.length - this.#position + this.#queued + this.#filled;
  }

  feed(chunk: Buffer): void {
    if (this.#position === this.#chunk.length && this.#queue.length === 0) {
      this.#chunk = chunk;
      this.#position = 0;
    } else {
      this.#queue.push(chunk);
      this.#queued += chunk.length;
    }
  }

  /** Moves on to the next packet. False if none is complete. Throws `ProtocolError` on an impossible length. */
  read(): boolean {
    for (;;) {
      if (this.#filled === 0 ? this.#readWhole() : this.#readPartial()) return true;
      const next = this.#queue.shift();
      if (next === undefined) return false;
      this.#queued -= next.length;
      this.#chunk = next;
      this.#position = 0;
    }
  }

  #readWhole(): boolean {
    const chunk = this.#chunk;
    const at = this.#position;
    const available = chunk.length - at;
    if (available >= HEADER) {
      const length = this.#checked(chunk.readUInt32BE(at), chunk, at);
      if (available >= HEADER + length) {
        this.#hand(chunk, at, length);
        this.#position = at + HEADER + length;
        return true;
      }
    }
    if (available > 0) this.#keep(available);
    return false;
  }

  #readPartial(): boolean {
    if (this.#filled < HEADER && !this.#fillTo(HEADER)) return false;
    const length = this.#checked(this.#partial.readUInt32BE(0), this.#partial, 0);
    if (!this.#fillTo(HEADER + length)) return false;
    this.#hand(this.#partial, 0, length);
    this.#partial = EMPTY;
    this.#filled = 0;
    return true;
  }

  #fillTo(wanted: number): boolean {
    const missing = wanted - this.#filled;
    const available = this.#chunk.length - this.#position;
    if (missing > 0 && available > 0) this.#keep(Math.min(missing, available));
    return this.#filled >= wanted;
  }

  #keep(count: number): void {
    const needed = this.#filled + count;
    if (needed > this.#partial.length) {
      const grown = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, 2 * this.#partial.length, needed));
      this.#partial.copy(grown, 0, 0, this.#filled);
      this.#partial = grown;
    }
    this.#chunk.copy(this.#partial, this.#filled, this.#position, this.#position + count);
    this.#filled = needed;
    this.#position += count;
  }

  #hand(buffer: Buffer, at: number, length: number): void {
    this.command = buffer[at + HEADER] as number;
    this.buffer = buffer;
    this.start = at + HEADER + 1;
    this.end = at + HEADER + length;
  }

  #checked(length: number, buffer: Buffer, at: number): number {
    if (length >= 1 && length <= this.#limit) return length;
    if (length === 0) throw new ProtocolError('packet of length 0: every packet has at least its command byte');
    const text = buffer.toString('latin1', at, at + HEADER);
    const hint = /^[\x20-\x7e\r\n]+$/.test(text) ? `; it reads ${JSON.stringify(text)}: is the peer no MTA?` : '';
    throw new ProtocolError(`packet of ${length} bytes announced, at most ${this.#limit} are taken${hint}`);
  }
}

/** One packet as bytes to send. */
export function encodeFrame(command: number, ...parts: readonly Uint8Array[]): Buffer {
  let size = 1;
  for (const part of parts) size += part.length;
  const frame = Buffer.allocUnsafe(HEADER + size);
  frame.writeUInt32BE(size, 0);
  frame[HEADER] = command;
  let at = HEADER + 1;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}
