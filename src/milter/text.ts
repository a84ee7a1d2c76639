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
    const size = validLength(bytes, at);
    text += size > 0 ? bytes.toString('utf8', at, at + size) : String.fromCharCode(ESCAPE | (bytes[at] as number));
    at += Math.max(size, 1);
  }
  return text;
}

/** The length of the UTF-8 character or run of ASCII that begins at `at`; 0 if none does. */
function validLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) {
    let end = at + 1;
    while (end < bytes.length && (bytes[end] as number) < 0x80) end++;
    return end - at;
  }
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  return at + size <= bytes.length && isUtf8(bytes.subarray(at, at + size)) ? size : 0;
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
    const stop = stringEnd(buffer, at, end);
    strings.push(decodeText(buffer, at, stop));
    at = stop + 1;
  }
  return strings;
}

/** The one string at `start`; what comes behind its NUL is ignored, as it is by readers in C. */
export function decodeString(buffer: Buffer, start: number, end: number): string {
  return decodeText(buffer, start, stringEnd(buffer, start, end));
}

/** Where the string at `start` ends: at its NUL, or at `end` if that is missing. */
export function stringEnd(buffer: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buffer[at] !== 0) at++;
  return at;
}
