/**
 * Verdicts: what a handler answers, as immutable values that carry their bytes. The type says at which stages one is legal, so
 * a wrong one does not compile; the session checks again for JavaScript users. Nobody writes packets.
 *
 * Reply texts are built from checked parts: `%` doubled (Sendmail uses the text as a printf format), one NUL at the end, CRLF
 * between lines, the enhanced code of the same class on every line, no control bytes.
 */
import { Response, type Stage } from './constants.ts';
import { encodeFrame } from './frame-parser.ts';
import { encodeStrings } from './text.ts';

export type VerdictKind = 'proceed' | 'accept' | 'reject' | 'tempfail' | 'discard' | 'skip' | 'reply';

export interface Verdict<in S extends Stage = Stage> {
  readonly kind: VerdictKind;
  /** With `reply`: the SMTP code. */
  readonly code?: number;
  /** The whole packet. */
  readonly packet: Uint8Array;
  /** Never present: makes the type contravariant, so that a verdict for every stage fits each stage. */
  readonly stage?: (stage: S) => void;
}

type ConnectionStage = 'connect' | 'helo';
type MessageStage = Exclude<Stage, ConnectionStage | 'unknown'>;

function constant<S extends Stage>(kind: VerdictKind, byte: number): Verdict<S> {
  return Object.freeze({ kind, packet: encodeFrame(byte) });
}

/** Go on. At end of message: deliver. */
export const proceed: Verdict = constant<Stage>('proceed', Response.proceed);
/** 5xx with the MTA's own text. At `rcpt` it concerns this recipient only. */
export const reject: Verdict = constant<Stage>('reject', Response.reject);
/** 4xx with the MTA's own text. At `rcpt` it concerns this recipient only. */
export const tempfail: Verdict = constant<Stage>('tempfail', Response.tempfail);
/** No further question for the whole SMTP connection. */
export const acceptConnection: Verdict<ConnectionStage> = constant<ConnectionStage>('accept', Response.accept);
/** No further question for this message. At `rcpt`: all its recipients are accepted. */
export const acceptMessage: Verdict<MessageStage> = constant<MessageStage>('accept', Response.accept);
/** Takes the message and drops it, for all recipients. */
export const discardMessage: Verdict<MessageStage> = constant<MessageStage>('discard', Response.discard);
/** No more body chunks, please. Elsewhere SKIP would make Sendmail bypass the filter. */
export const skipBody: Verdict<'body'> = constant<'body'>('skip', Response.skip);

const LONGEST_LINE = 980; // MAXREPLYLEN
const MOST_LINES = 32; // MAXREPLIES

/**
 * A 4xx or 5xx reply with own text.
 * @param code SMTP code, 400 to 599.
 * @param enhanced enhanced status code (RFC 3463) of the same class, or null for none.
 * @param lines one to 32 lines, each at most 980 bytes on the wire, without control characters and bytes that are no UTF-8.
 * @throws RangeError naming the part that does not fit.
 */
export function reply(code: number, enhanced: string | null, ...lines: readonly string[]): Verdict {
  if (!Number.isInteger(code) || code < 400 || code > 599) {
    throw new RangeError(`reply code ${code}: expected 400 to 599`);
  }
  if (enhanced !== null && !/^[45]\.\d{1,3}\.\d{1,3}$/.test(enhanced)) {
    throw new RangeError(`enhanced code ${JSON.stringify(enhanced)}: expected class.subject.detail, such as 4.7.1`);
  }
  if (enhanced !== null && enhanced[0] !== String(code)[0]) {
    throw new RangeError(
      `enhanced code ${enhanced} does not fit reply code ${code}: the first digits must be the same`,
    );
  }
  if (lines.length < 1 || lines.length > MOST_LINES) {
    throw new RangeError(`${lines.length} reply lines: expected 1 to ${MOST_LINES}`);
  }
  const prefix = enhanced === null ? '' : `${enhanced} `;
  const text = lines
    .map((line, at) => `${code}${at === lines.length - 1 ? ' ' : '-'}${prefix}${checkedLine(line)}`)
    .join('\r\n');
  return Object.freeze({ kind: 'reply', code, packet: encodeFrame(Response.replyCode, encodeStrings(text)) });
}

function checkedLine(line: string): string {
  for (let at = 0; at < line.length; at++) {
    const unit = line.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) {
      throw new RangeError(`control character ${unit} in reply text ${JSON.stringify(line)}`);
    }
  }
  // A byte that was no UTF-8 when it was read (`decodeText`) would be one again on the way to the SMTP client.
  if (!line.isWellFormed()) throw new RangeError(`bytes that are no UTF-8 in reply text ${JSON.stringify(line)}`);
  const escaped = line.includes('%') ? line.replaceAll('%', '%%') : line;
  if (Buffer.byteLength(escaped) > LONGEST_LINE) {
    throw new RangeError(`reply line of ${Buffer.byteLength(escaped)} bytes: at most ${LONGEST_LINE} are taken`);
  }
  return escaped;
}

const LEGAL: Readonly<Record<Stage, readonly VerdictKind[]>> = {
  connect: ['proceed', 'accept', 'reject', 'tempfail', 'reply'],
  helo: ['proceed', 'accept', 'reject', 'tempfail', 'reply'],
  mail: ['proceed', 'accept', 'reject', 'tempfail', 'reply', 'discard'],
  rcpt: ['proceed', 'accept', 'reject', 'tempfail', 'reply', 'discard'],
  data: ['proceed', 'accept', 'reject', 'tempfail', 'reply', 'discard'],
  unknown: ['proceed', 'reject', 'tempfail', 'reply'],
  header: ['proceed', 'accept', 'reject', 'tempfail', 'reply', 'discard'],
  eoh: ['proceed', 'accept', 'reject', 'tempfail', 'reply', 'discard'],
  body: ['proceed', 'accept', 'reject', 'tempfail', 'reply', 'discard', 'skip'],
  eom: ['proceed', 'accept', 'reject', 'tempfail', 'reply', 'discard'],
};

/** Whether a value is a verdict that this stage may answer. The types say so already; this is for what they can't see. */
export function isLegal(value: unknown, stage: Stage): value is Verdict {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, packet } = value as Partial<Verdict>;
  return packet instanceof Uint8Array && kind !== undefined && LEGAL[stage].includes(kind);
}

/** Whether the verdict turns the client (or at `rcpt` the recipient) away: 4xx or 5xx. */
export function isRefusal(verdict: Verdict): boolean {
  return verdict.kind === 'reject' || verdict.kind === 'tempfail' || verdict.kind === 'reply';
}

/** How a message ends by this verdict, or undefined if it goes on. */
export function outcomeOf(verdict: Verdict): 'accepted-early' | 'discarded' | 'rejected' | 'tempfailed' | undefined {
  switch (verdict.kind) {
    case 'accept':
      return 'accepted-early';
    case 'discard':
      return 'discarded';
    case 'reject':
      return 'rejected';
    case 'tempfail':
      return 'tempfailed';
    case 'reply':
      return (verdict.code ?? 0) >= 500 ? 'rejected' : 'tempfailed';
    case 'proceed':
    case 'skip':
      return undefined;
  }
}
