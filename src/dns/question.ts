/**
 * Questions and the messages that carry them (RFC 1035 §4.1; EDNS0, RFC 6891). Encoded here and not by the codec that reads
 * the replies: the question's bytes are needed anyway, to compare them with those of each reply.
 */
import type { RecordType } from './resolver.ts';

/** RR type numbers (RFC 1035 §3.2.2, RFC 3596). */
export const TYPE_CODE: Readonly<Record<RecordType, number>> = { A: 1, PTR: 12, MX: 15, TXT: 16, AAAA: 28 };
export const CLASS_IN = 1;

/** Bytes of the message header. */
export const HEADER_SIZE = 12;
/** What our OPT record says we take over UDP: fits every path without fragments. */
export const UDP_SIZE = 1232;

/** Root owner, type OPT, class = UDP size, no extended rcode, version 0, no flags, no options. */
const OPT = Uint8Array.of(0, 0, 41, UDP_SIZE >> 8, UDP_SIZE & 0xff, 0, 0, 0, 0, 0, 0);
const DOT = 0x2e;
const UPPER = /[A-Z]/;

export interface Question {
  /** Canonical: lower case, no trailing dot; the root is the empty string. */
  readonly name: string;
  readonly type: RecordType;
  /** The question section as it stands in the message: QNAME, QTYPE, QCLASS. */
  readonly wire: Buffer;
}

/** A text is no domain name. The message doesn't repeat it: names may hold secrets. */
export class NameError extends Error {
  override readonly name = 'NameError';
}

/** Lower case, without the trailing dot. Names compare without ASCII case (RFC 4343). Nearly all are canonical already. */
export function canonicalName(name: string): string {
  const lower = UPPER.test(name) ? name.toLowerCase() : name;
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** Encodes what is asked. Takes names of printable ASCII; throws `NameError` for anything else. */
export function encodeQuestion(name: string, type: RecordType): Question {
  const canonical = canonicalName(name);
  // RFC 1035 §2.3.4: 255 octets on the wire, which is 253 characters without the trailing dot.
  if (canonical.length > 253) throw new NameError(`not a domain name: ${canonical.length} characters, at most 253`);
  const wire = Buffer.allocUnsafe(canonical === '' ? 5 : canonical.length + 6);
  let end = 0;
  if (canonical !== '') {
    let labelAt = 0;
    end = 1;
    for (let i = 0; i < canonical.length; i++) {
      const code = canonical.charCodeAt(i);
      if (code === DOT) {
        closeLabel(wire, labelAt, end);
        labelAt = end++;
      } else if (code > 0x20 && code < 0x7f) {
        wire[end++] = code;
      } else {
        throw new NameError(`not a domain name: character ${i + 1} is not printable ASCII`);
      }
    }
    closeLabel(wire, labelAt, end);
  }
  wire[end] = 0;
  wire.writeUInt16BE(TYPE_CODE[type], end + 1);
  wire.writeUInt16BE(CLASS_IN, end + 3);
  return { name: canonical, type, wire };
}

/** The whole message: header with RD set, the question and, with `edns`, an OPT record. Never a client subnet. */
export function encodeQuery(question: Question, id: number, edns: boolean): Buffer {
  const { wire } = question;
  const end = HEADER_SIZE + wire.length;
  const message = Buffer.allocUnsafe(edns ? end + OPT.length : end);
  message.writeUInt16BE(id, 0);
  message.writeUInt32BE(0x01000001, 2); // QUERY, RD; QDCOUNT 1
  message.writeUInt32BE(0, 6); // ANCOUNT, NSCOUNT
  message.writeUInt16BE(edns ? 1 : 0, 10); // ARCOUNT
  message.set(wire, HEADER_SIZE);
  if (edns) message.set(OPT, end);
  return message;
}

function closeLabel(wire: Buffer, labelAt: number, end: number): void {
  const length = end - labelAt - 1;
  if (length === 0) throw new NameError('not a domain name: an empty label');
  if (length > 63) throw new NameError(`not a domain name: a label of ${length} characters, at most 63`);
  wire[labelAt] = length;
}
