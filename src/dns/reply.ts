/**
 * From the bytes of a reply to what it says. First the guards, on bytes alone: nothing is parsed that doesn't answer our
 * question, is too long or promises too many records, since a name codec can be kept busy with long pointer chains. Then the
 * packet is parsed, and only a faultless one counts: half an answer would read as "not listed".
 */
import { Packet, type Resource } from 'dns2';
import { PacketMemo } from './packet-memo.ts';
import { CLASS_IN, canonicalName, HEADER_SIZE, type Question, TYPE_CODE } from './question.ts';
import type { FailureCause } from './resolver.ts';

/** The longest message taken over TCP, and the most records taken in any section. */
export const TCP_SIZE = 4096;
const MAX_RECORDS = 64;

const packets = new PacketMemo();

const FLAG_TC = 0x02; // in byte 2
const FORMERR = 1;
const SERVFAIL = 2;
const NXDOMAIN = 3;
const REFUSED = 5;
const RCODE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Packet.RCODE).map(([name, code]): [number, string] => [code, name]),
);

/** What the DNS says on a question; TTLs in seconds, as told. */
export type Finding = PositiveFinding | NegativeFinding;

export interface PositiveFinding {
  readonly status: 'records';
  readonly records: readonly string[];
  readonly cname: boolean;
  readonly ttl: number;
}

export interface NegativeFinding {
  readonly status: 'nxdomain' | 'nodata';
  readonly cname: boolean;
  readonly soaOwner: string | undefined;
  /** Undefined without SOA: then it is not to be cached (RFC 2308 §5). */
  readonly ttl: number | undefined;
}

export interface Failure {
  readonly cause: FailureCause;
  /** For people; never holds the name that was asked. */
  readonly detail: string;
}

export type Reply =
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'formerr' }
  | { readonly kind: 'failure'; readonly failure: Failure };

/**
 * Whether the message is a reply to this question: QR set, opcode QUERY, and the question section the same bytes. The id is
 * the caller's to check. A reply without a question passes only with an error code, and can only fail the look-up.
 */
export function repliesTo(message: Buffer, question: Question): boolean {
  if (message.length < HEADER_SIZE || ((message[2] ?? 0) & 0xf8) !== 0x80) return false;
  const questions = message.readUInt16BE(4);
  if (questions === 0) return ((message[3] ?? 0) & 0x0f) !== 0;
  const { wire } = question;
  const end = HEADER_SIZE + wire.length;
  return questions === 1 && message.length >= end && message.compare(wire, 0, wire.length, HEADER_SIZE, end) === 0;
}

/** Reads a message that `repliesTo` let through. `limit` is the longest message taken, in bytes. */
export function readReply(message: Buffer, question: Question, limit: number): Reply {
  const rcode = (message[3] ?? 0) & 0x0f;
  if (rcode === FORMERR) return { kind: 'formerr' };
  if (rcode !== 0 && rcode !== NXDOMAIN) return badRcode(rcode);
  if (message.readUInt16BE(4) === 0) return malformed('no question in it');
  if (((message[2] ?? 0) & FLAG_TC) !== 0) return { kind: 'truncated' };
  if (message.length > limit) return malformed(`${message.length} bytes, at most ${limit}`);
  for (const at of [6, 8, 10]) {
    const count = message.readUInt16BE(at);
    if (count > MAX_RECORDS) return malformed(`${count} records in a section, at most ${MAX_RECORDS}`);
  }
  return readPacket(message, question);
}

function readPacket(message: Buffer, question: Question): Reply {
  let packet: Packet;
  try {
    packet = packets.parse(message, HEADER_SIZE + question.wire.length);
  } catch {
    return malformed('undecodable'); // the codec's own words repeat names
  }
  const [error] = packet.errors;
  if (error) return malformed(`${error.section ?? 'message'}[${error.index ?? 0}] is undecodable`);
  const { header, answers, authorities, additionals } = packet;
  if (
    answers.length !== header.ancount ||
    authorities.length !== header.nscount ||
    additionals.length !== header.arcount
  ) {
    return malformed('fewer records than announced');
  }
  if (header.rcode !== 0 && header.rcode !== NXDOMAIN) return badRcode(header.rcode); // the 12 bits of EDNS
  return header.rcode === 0 ? readAnswer(packet, question) : readNegative('nxdomain', packet, question);
}

function readAnswer(packet: Packet, question: Question): Reply {
  const type = TYPE_CODE[question.type];
  const { owner, ttl } = followAliases(packet.answers, question);
  const found = packet.answers.filter(record => isOf(record, owner, type));
  if (found.length > 0) {
    const records = found.map(recordText);
    const least = found.reduce((low, record) => Math.min(low, record.ttl), ttl);
    const cname = owner !== question.name;
    return { kind: 'finding', finding: { status: 'records', records, cname, ttl: least } };
  }
  if (packet.answers.some(record => record.type === type)) return malformed('records of another name');
  return readNegative('nodata', packet, question);
}

function readNegative(status: 'nxdomain' | 'nodata', packet: Packet, question: Question): Reply {
  const { answers, authorities, header } = packet;
  const { owner } = followAliases(answers, question);
  const soa = authorities.find(record => record.type === Packet.TYPE.SOA && isBelow(owner, canonicalName(record.name)));
  // RFC 2308 §2.2: no records, no SOA but name servers is a referral, not an answer.
  if (status === 'nodata' && !soa && !header.aa && answers.length === 0 && authorities.some(isNs)) {
    return failure('refused', 'a referral: the server does not recurse for us');
  }
  const finding: Finding = {
    status,
    cname: owner !== question.name,
    soaOwner: soa && (canonicalName(soa.name) || '.'),
    ttl: soa && Math.min(soa.ttl, soa.minimum ?? 0), // RFC 2308 §5
  };
  return { kind: 'finding', finding };
}

/** Walks from the name asked along the CNAMEs to the name that has the answer, and finds the least TTL on the way. */
function followAliases(answers: readonly Resource[], question: Question): { owner: string; ttl: number } {
  let owner = question.name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let hop = 0; hop < answers.length; hop++) {
    if (answers.some(record => isOf(record, owner, TYPE_CODE[question.type]))) break;
    const alias = answers.find(record => isOf(record, owner, Packet.TYPE.CNAME));
    if (!alias) break;
    owner = canonicalName(alias.domain ?? '');
    ttl = Math.min(ttl, alias.ttl);
  }
  return { owner, ttl };
}

function recordText(record: Resource): string {
  switch (record.type) {
    case TYPE_CODE.TXT:
      return Array.isArray(record.data) ? record.data.join('') : '';
    case TYPE_CODE.MX:
      return `${record.priority ?? 0} ${record.exchange || '.'}`;
    case TYPE_CODE.PTR:
      return record.domain || '.';
    default:
      return record.address ?? '';
  }
}

function isOf(record: Resource, owner: string, type: number): boolean {
  return record.type === type && record.class === CLASS_IN && canonicalName(record.name) === owner;
}

function isNs(record: Resource): boolean {
  return record.type === Packet.TYPE.NS;
}

/** Whether `name` is `zone` or lies in it; the empty string is the root. */
function isBelow(name: string, zone: string): boolean {
  return zone === '' || name === zone || name.endsWith(`.${zone}`);
}

function badRcode(rcode: number): Reply {
  const text = RCODE_NAMES.get(rcode) ?? `rcode ${rcode}`;
  if (rcode === SERVFAIL) return failure('servfail', text);
  if (rcode === REFUSED) return failure('refused', text);
  return failure('rcode', text);
}

function malformed(detail: string): Reply {
  return failure('malformed', `malformed reply: ${detail}`);
}

function failure(cause: FailureCause, detail: string): Reply {
  return { kind: 'failure', failure: { cause, detail } };
}
