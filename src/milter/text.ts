/**
 * Strings on the wire: bytes without NUL, then one NUL. Nothing promises an encoding. They are read as UTF-8, and a byte that
 * is not valid UTF-8 becomes a lone surrogate U+DC80 to U+DCFF (PEP 383), so that two different byte strings never become
 * the same text, and writing gives the bytes back.
 */
import { isUtf8 } from 'node:buffer';

const ESCAPE = 0xdc00;

/** Decodes the bytes from `start` to `end`. */
export function decodeText(buffer: Buffer, start: number, end: number): string {
  for (let at = start; at < end; at++) {
    if ((buffer[at] as number) >= 0x80) return decodeHighBytes(buffer.subarray(start, end));
  }
  return buffer.toString('latin1', start, end);
}

function decodeHighBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const size = sequenceLength(bytes[at] as number);
    const end = at + size;
    if (size > 0 && end <= bytes.length && isUtf8(bytes.subarray(at, end))) {
      text += bytes.toString('utf8', at, end);
      at = end;
    } else {
      text += String.fromCharCode(ESCAPE | (bytes[at] as number));
      at += 1;
    }
  }
  return text;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

/** The bytes of a text, escaped bytes restored. The inverse of `decodeText`. */
export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const escaped = code >= (ESCAPE | 0x80) && code <= (ESCAPE | 0xff);
    parts.push(escaped ? Buffer.of(code & 0xff) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** NUL-terminated bytes of each text. A NUL inside would end it early for the reader: refused. */
export function encodeStrings(...texts: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const text of texts) {
    if (text.includes('\0')) throw new RangeError(`NUL in ${JSON.stringify(text)}: the protocol ends strings with it`);
    parts.push(encodeText(text), NUL);
  }
  return Buffer.concat(parts);
}

const NUL = Buffer.of(0);

/** The NUL-terminated strings from `start` to `end`; a last one without its NUL is taken too. */
export function decodeStrings(buffer: Buffer, start: number, end: number): string[] {
  const strings: string[] = [];
  let at = start;
  while (at < end) {
    const found = buffer.indexOf(0, at);
    const stop = found < 0 || found > end ? end : found;
    strings.push(decodeText(buffer, at, stop));
    at = stop + 1;
  }
  return strings;
}
