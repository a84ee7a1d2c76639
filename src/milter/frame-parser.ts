/**
 * Framing: `uint32be length, byte command, data`, the length counting command and data. Bytes go in by `feed`, packets
 * come out by `read`, one at a time, so that whoever reads may stop between two packets. No I/O.
 *
 * Bytes that come when all earlier ones are read are not copied: `buffer`, `start` and `end` point into the chunk. What comes
 * while others still wait is copied behind them, into a buffer that grows with what has really arrived, so a peer that
 * announces much and sends little costs little, however small its pieces. Bytes once handed out are never written
 * over: a view stays what it is for as long as someone holds it.
 */
import { ProtocolError } from './protocol-error.ts';

const HEADER = 4;
const EMPTY: Buffer = Buffer.alloc(0);
const FIRST_CAPACITY = 512;

export class FrameParser {
  /** The packet last read: its command byte, and where its data lies. */
  command: number = 0;
  buffer: Buffer = EMPTY;
  start: number = 0;
  end: number = 0;

  readonly #limit: number;
  /** Unread are the bytes from `#at` to `#filled`. */
  #bytes: Buffer = EMPTY;
  #at = 0;
  #filled = 0;

  /** @param limit the largest length field taken, in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes held that `read` has not handed out yet. */
  get pending(): number {
    return this.#filled - this.#at;
  }

  feed(chunk: Buffer): void {
    if (this.#at === this.#filled) {
      this.#bytes = chunk;
      this.#at = 0;
      this.#filled = chunk.length;
      return;
    }
    const needed = this.#filled + chunk.length;
    if (needed > this.#bytes.length) this.#grow(chunk.length);
    this.#filled += chunk.copy(this.#bytes, this.#filled);
  }

  /** Moves on to the next packet. False if none is complete. Throws `ProtocolError` on an impossible length. */
  read(): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    const available = this.#filled - at;
    if (available >= HEADER) {
      const length = bytes.readUInt32BE(at);
      if (length < 1 || length > this.#limit) throw impossible(length, this.#limit, bytes, at);
      if (available >= HEADER + length) {
        this.command = bytes[at + HEADER] as number;
        this.buffer = bytes;
        this.start = at + HEADER + 1;
        this.end = at + HEADER + length;
        this.#at = this.end;
        return true;
      }
    }
    // Peers may be silent for hours: nothing of theirs is kept but what they have begun.
    if (available === 0) {
      this.#bytes = EMPTY;
      this.#at = 0;
      this.#filled = 0;
    }
    this.buffer = EMPTY;
    this.start = 0;
    this.end = 0;
    return false;
  }

  #grow(more: number): void {
    const unread = this.#filled - this.#at;
    const grown = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, 2 * (unread + more)));
    this.#filled = this.#bytes.copy(grown, 0, this.#at, this.#filled);
    this.#at = 0;
    this.#bytes = grown;
  }
}

function impossible(length: number, limit: number, bytes: Buffer, at: number): ProtocolError {
  if (length === 0) return new ProtocolError('packet of length 0: every packet has at least its command byte');
  const text = bytes.toString('latin1', at, at + HEADER);
  const hint = /^[\x20-\x7e\r\n]+$/.test(text) ? `; it reads ${JSON.stringify(text)}: is the peer no MTA?` : '';
  return new ProtocolError(`packet of ${length} bytes announced, at most ${limit} are taken${hint}`);
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
