/**
 * DNS messages built byte by byte, lies included: for tests of whatever reads them. No compression unless given as bytes.
 */

export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, OPT: 41 } as const;

export interface MessageParts {
  readonly id?: number;
  /** The two bytes after the id; default QR, RD, RA. */
  readonly flags?: number;
  readonly rcode?: number;
  /** The whole question section; one question. */
  readonly question?: Uint8Array;
  readonly answers?: readonly Uint8Array[];
  readonly authorities?: readonly Uint8Array[];
  readonly additionals?: readonly Uint8Array[];
  /** QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT, where they shall not tell the truth. */
  readonly counts?: readonly (number | undefined)[];
}

export const QR = 0x8000;
export const AA = 0x0400;
export const TC = 0x0200;
export const RD = 0x0100;
export const RA = 0x0080;

export function message(parts: MessageParts): Buffer {
  const { id = 0, flags = QR | RD | RA, rcode = 0, question, answers = [], authorities = [], additionals = [] } = parts;
  const header = Buffer.alloc(12);
  const counts = [question ? 1 : 0, answers.length, authorities.length, additionals.length];
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flags | rcode, 2);
  for (const [i, count] of counts.entries()) header.writeUInt16BE(parts.counts?.[i] ?? count, 4 + 2 * i);
  return Buffer.concat([header, question ?? Buffer.alloc(0), ...answers, ...authorities, ...additionals]);
}

/** A reply to a query: its id and question, and what else is given. */
export function replyTo(query: Buffer, parts: MessageParts = {}): Buffer {
  return message({ id: query.readUInt16BE(0), question: questionOf(query), ...parts });
}

/** The question section of a query. */
export function questionOf(query: Buffer): Buffer {
  let at = 12;
  while (query[at] !== 0) at += (query[at] ?? 0) + 1;
  return query.subarray(12, at + 5);
}

/** The name asked in a query. */
export function nameOf(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at] !== 0; at += (query[at] ?? 0) + 1) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  }
  return labels.join('.');
}

/** The type asked in a query. */
export function typeOf(query: Buffer): number {
  const question = questionOf(query);
  return question.readUInt16BE(question.length - 4);
}

export function name(text: string): Buffer {
  const labels = text.split('.').filter(label => label !== '');
  return Buffer.concat([
    ...labels.map(label => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    Buffer.of(0),
  ]);
}

export function question(text: string, type: number): Buffer {
  return Buffer.concat([name(text), u16(type), u16(1)]);
}

export interface RecordOptions {
  readonly ttl?: number;
  /** RDLENGTH, where it shall not be the truth. */
  readonly length?: number;
}

export function record(
  owner: string | Uint8Array,
  type: number,
  data: Uint8Array,
  options: RecordOptions = {},
): Buffer {
  const head = typeof owner === 'string' ? name(owner) : owner;
  const { ttl = 300, length = data.length } = options;
  return Buffer.concat([head, u16(type), u16(1), u32(ttl), u16(length), data]);
}

export function a(owner: string, address: string, ttl?: number): Buffer {
  return record(owner, TYPE.A, Buffer.from(address.split('.').map(Number)), ttl === undefined ? {} : { ttl });
}

export function cname(owner: string, target: string, ttl?: number): Buffer {
  return record(owner, TYPE.CNAME, name(target), ttl === undefined ? {} : { ttl });
}

export function soa(owner: string, ttl: number, minimum: number): Buffer {
  const data = [
    name(`ns.${owner}`),
    name(`hostmaster.${owner}`),
    u32(1),
    u32(600),
    u32(300),
    u32(86_400),
    u32(minimum),
  ];
  return record(owner, TYPE.SOA, Buffer.concat(data), { ttl });
}

/** One string for each piece. */
export function txt(owner: string, ...pieces: readonly string[]): Buffer {
  const data = pieces.map(piece => Buffer.concat([Buffer.of(Buffer.byteLength(piece)), Buffer.from(piece)]));
  return record(owner, TYPE.TXT, Buffer.concat(data));
}

export function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
