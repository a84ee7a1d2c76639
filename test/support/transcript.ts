/**
 * Recorded milter sessions, kept as text that can be read and compared. One packet a line: who spoke (`>` the MTA, `<` the milter),
 * the command byte, the length field, and the data in Latin-1 with `\xHH` and `\\` as escapes. `#` begins a comment line.
 *
 *     > H len=16 client.example\x00
 *     < c len=1
 */
import { readFileSync } from 'node:fs';

export interface RecordedPacket {
  readonly from: 'mta' | 'milter';
  /** Length field, command and data. */
  readonly bytes: Buffer;
}

/** Reads a transcript. Throws, naming file and line, if a line can't be read or its length is not that of its data. */
export function readTranscript(path: string | URL): RecordedPacket[] {
  const packets: RecordedPacket[] = [];
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, direction, command, length, data = ''] = /^([<>]) (\S) len=(\d+)(?: (.*))?$/.exec(line) ?? [];
    const where = `${path}, line ${index + 1}: ${JSON.stringify(line)}`;
    if (direction === undefined) throw new Error(`${where}: expected ">" or "<", a command, len=N and data`);
    const body = Buffer.from(`${command}${undoEscapes(data)}`, 'latin1');
    if (body.length !== Number(length)) throw new Error(`${where}: the data make a length of ${body.length}`);
    const bytes = Buffer.alloc(4 + body.length);
    bytes.writeUInt32BE(body.length);
    body.copy(bytes, 4);
    packets.push({ from: direction === '>' ? 'mta' : 'milter', bytes });
  }
  return packets;
}

function undoEscapes(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|\\)/g, (_, hex?: string) =>
    hex === undefined ? '\\' : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
