/**
 * A tap on the line between a mail server and its milter: passes every byte on, both ways, and keeps the packets in the order
 * in which they came by.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { FrameParser } from '../../../src/milter/frame-parser.ts';
import { decodeString, decodeStrings } from '../../../src/milter/text.ts';
import { Bell, PATIENCE } from '../../support/bell.ts';
import type { Owner } from '../../support/temp-dir.ts';

export interface TappedPacket {
  readonly from: 'mta' | 'milter';
  /** Counts the connections, from 1. */
  readonly connection: number;
  /** The command byte, as a character. */
  readonly command: string;
  readonly data: Buffer;
}

export class MilterTap {
  readonly packets: TappedPacket[] = [];
  readonly #news = new Bell();
  #connections = 0;

  /** Listens on a unix socket at `path`, which everyone may write to, and passes on to the one at `target`. */
  static async open(owner: Owner, path: string, target: string): Promise<MilterTap> {
    const tap = new MilterTap();
    const server = createServer(mta => {
      const connection = ++tap.#connections;
      const milter = connect(target);
      for (const [socket, other, from] of [
        [mta, milter, 'mta'],
        [milter, mta, 'milter'],
      ] as const) {
        const parser = new FrameParser(1 << 24);
        socket.on('data', chunk => {
          other.write(chunk);
          parser.feed(chunk);
          while (parser.read()) {
            const { command, buffer, start, end } = parser;
            const data = Buffer.from(buffer.subarray(start, end));
            tap.packets.push({ from, connection, command: String.fromCharCode(command), data });
          }
          tap.#news.ring();
        });
        socket.on('error', () => {}); // 'close' follows
        socket.on('close', () => other.destroy());
      }
      owner.after(() => void mta.destroy());
    });
    owner.after(() => void server.close());
    server.listen({ path, readableAll: true, writableAll: true });
    await once(server, 'listening');
    return tap;
  }

  /** The packets of the first connection for which `whole` holds; waits for it. */
  async session(whole: (packets: readonly TappedPacket[]) => boolean): Promise<readonly TappedPacket[]> {
    const look = () => [...Map.groupBy(this.packets, ({ connection }) => connection).values()].find(whole);
    const found = await this.#news.until(look, PATIENCE);
    if (found) return found;
    throw new Error(`no such session within ${PATIENCE} ms; there were\n${this.packets.map(showPacket).join('\n')}`);
  }
}

/**
 * A packet in words: who spoke, what, and the strings it holds, as in `> M <a@example.net>`. What differs each time is left out:
 * the numbers of a negotiation, the client's port, the values of macros.
 */
export function showPacket({ from, command, data }: TappedPacket): string {
  return [from === 'mta' ? '>' : '<', command, ...told(command, data)].join(' ');
}

function told(command: string, data: Buffer): readonly string[] {
  if (command === 'O') return [];
  if (command === 'C') {
    const family = data.indexOf(0) + 1;
    const address = decodeString(data, Math.min(family + 3, data.length), data.length);
    return [decodeString(data, 0, data.length), data.toString('latin1', family, family + 1), address].filter(Boolean);
  }
  if (command !== 'D') return decodeStrings(data, 0, data.length);
  const names = decodeStrings(data, 1, data.length).filter((_, index) => index % 2 === 0);
  return [data.toString('latin1', 0, 1), ...names];
}

/** The macros that were told ahead of the first command of this kind. */
export function macrosOf(packets: readonly TappedPacket[], command: string): Readonly<Record<string, string>> {
  const packet = packets.find(each => each.command === 'D' && each.data.toString('latin1', 0, 1) === command);
  const strings = packet ? decodeStrings(packet.data, 1, packet.data.length) : [];
  const pairs = strings.flatMap((name, index) => (index % 2 === 0 ? [[name, strings[index + 1] ?? ''] as const] : []));
  return Object.fromEntries(pairs);
}
