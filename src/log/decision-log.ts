/**
 * The decision log: one line for each recipient, which answers "why was this delayed?". It is written for every RCPT, so its
 * lines are put together by hand and do not go through pino. Keys, in this order: `action reason delay client_name
 * client_address sender recipient session id check dnsbl wait failed withheld`, then what checks add under other names. Seconds are
 * whole. What is not known is left out; the null sender is an empty `sender`.
 *
 * A client that is accepted for its address alone gets one line for its whole connection, with `scope=connection` and
 * without sender and recipient: the mail server does not ask about them.
 */
import type { Clock } from '../clock.ts';
import type { Decision } from '../policy/decision.ts';
import type { Session } from '../policy/envelope.ts';
import type { Accept, Verdict } from '../policy/verdict.ts';
import { clip, escapeJson } from './escape.ts';
import { isoTime, type LogFormat, linePrefix } from './format.ts';
import { logfmtTail, logfmtValue, logKey } from './logfmt.ts';
import { postgreyField, postgreyWords } from './postgrey.ts';

export interface DecisionLog {
  /** A decision on one recipient. */
  write(decision: Decision): void;
  /** An acceptance of a whole connection. */
  settled(session: Session, verdict: Accept): void;
}

export interface DecisionLogOptions {
  readonly format: LogFormat;
  readonly clock: Clock;
  readonly journal: boolean;
  /** Takes a line with its line feed. */
  readonly write: (line: string) => void;
}

export function createDecisionLog(options: DecisionLogOptions): DecisionLog {
  const render = RENDER[options.format];
  return {
    write: decision => {
      const now = options.clock.now();
      options.write(`${linePrefix(options, 'info', now)}${render(decision, now)}\n`);
    },
    settled: (session, verdict) => {
      const now = options.clock.now();
      options.write(`${linePrefix(options, 'info', now)}${renderSettled(options.format, session, verdict, now)}\n`);
    },
  };
}

const RENDER: Readonly<Record<LogFormat, (decision: Decision, now: number) => string>> = {
  logfmt: renderLogfmt,
  json: renderJson,
  postgrey: renderPostgrey,
};

function renderLogfmt(decision: Decision): string {
  const { verdict, check, fields } = decision;
  const { id, session, sender, recipient } = decision.envelope;
  let line = `action=${verdict.action} reason=${verdict.reason}`;
  const delay = delayOf(verdict);
  if (delay !== undefined) line += ` delay=${delay}`;
  line += ` client_name=${logfmtValue(session.name)}`;
  if (session.address) line += ` client_address=${session.address.text}`;
  line += ` sender=${logfmtValue(sender)} recipient=${logfmtValue(recipient)}`;
  line += ` session=${logfmtValue(session.id)} id=${logfmtValue(id)} check=${logfmtValue(check)}`;
  const listed = listedOf(decision);
  if (listed !== undefined) line += ` dnsbl=${logfmtValue(listed)}`;
  if (verdict.action === 'greylist') line += ` wait=${verdict.wait}`;
  if (decision.failed.length > 0) line += ` failed=${logfmtValue(decision.failed.join(','))}`;
  if (decision.withheld !== undefined) line += ` withheld=${decision.withheld}`;
  return line + logfmtTail(own(fields));
}

function renderJson(decision: Decision, now: number): string {
  const { verdict, check, failed, withheld, fields } = decision;
  const { id, session, sender, recipient } = decision.envelope;
  const line = {
    level: 'info',
    time: isoTime(now),
    msg: 'decision',
    action: verdict.action,
    reason: verdict.reason,
    delay: delayOf(verdict),
    client_name: clip(session.name),
    client_address: session.address?.text,
    sender: clip(sender),
    recipient: clip(recipient),
    session: session.id,
    id,
    check,
    dnsbl: listedOf(decision),
    wait: verdict.action === 'greylist' ? verdict.wait : undefined,
    failed: failed.length > 0 ? failed.join(',') : undefined,
    withheld,
  };
  return escapeJson(JSON.stringify({ ...line, ...own(fields) }));
}

function renderPostgrey({ envelope, verdict }: Decision): string {
  const { session, sender, recipient } = envelope;
  return (
    postgreyWords(verdict) +
    postgreyClient(session) +
    postgreyField('sender', sender) +
    postgreyField('recipient', recipient)
  );
}

function postgreyClient({ name, address }: Session): string {
  const known = name.startsWith('[') ? 'unknown' : name;
  return postgreyField('client_name', known) + postgreyField('client_address', address?.text ?? '');
}

function renderSettled(format: LogFormat, session: Session, verdict: Accept, now: number): string {
  const address = session.address?.text;
  if (format === 'postgrey') return postgreyWords(verdict) + postgreyClient(session);
  const { action, reason } = verdict;
  if (format === 'json') {
    const head = { level: 'info', time: isoTime(now), msg: 'decision', action, reason };
    const client = { client_name: clip(session.name), client_address: address };
    return escapeJson(
      JSON.stringify({ ...head, ...client, session: session.id, scope: 'connection', ...own(verdict.fields ?? {}) }),
    );
  }
  const client = `client_name=${logfmtValue(session.name)}${address === undefined ? '' : ` client_address=${address}`}`;
  return `action=${action} reason=${reason} ${client} session=${logfmtValue(session.id)} scope=connection${logfmtTail(own(verdict.fields ?? {}))}`;
}

/** Whole seconds that a client waited until its triplet passed. */
function delayOf(verdict: Verdict): number | undefined {
  if (verdict.action !== 'accept' || verdict.delayed === undefined) return undefined;
  return Math.floor(verdict.delayed / 1_000);
}

/** What the DNSBLs said: in the words of their check, else the zones that a rejection names. */
function listedOf({ verdict, fields }: Decision): string | undefined {
  if (fields.dnsbl !== undefined) return fields.dnsbl;
  return verdict.action === 'reject' ? verdict.zones?.join(',') : undefined;
}

const STANDARD: ReadonlySet<string> = new Set(
  ['time', 'level', 'msg', 'action', 'reason', 'delay', 'client_name', 'client_address', 'sender', 'recipient'].concat([
    'session',
    'id',
    'check',
    'dnsbl',
    'wait',
    'scope',
    'failed',
    'withheld',
  ]),
);

/** The fields of checks, cut, without those that would pass themselves off as the line's own. */
function own(fields: Decision['fields']): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined && !STANDARD.has(logKey(key))) kept[key] = clip(value);
  }
  return kept;
}
