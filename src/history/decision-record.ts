/**
 * What is remembered of a decision, so that `explain --id` can tell later why it fell as it did.
 */
import type { Decision } from '../policy/decision.ts';
import type { Accept, Reply } from '../policy/verdict.ts';
import type { HistoryRow } from './history-store.ts';

export interface DecisionRecord {
  /** As in the log line and, by template, in the reply. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly client: { readonly address: string | undefined; readonly name: string; readonly helo: string | undefined };
  readonly authenticated: string | undefined;
  readonly sender: string;
  readonly recipient: string;
  readonly action: Decision['verdict']['action'];
  readonly reason: Decision['verdict']['reason'];
  readonly check: string;
  /** The exact reply; undefined for an acceptance. */
  readonly reply: Reply | undefined;
  /** Milliseconds from the first attempt, of a triplet that matured. */
  readonly delayed: number | undefined;
  readonly failed: readonly string[];
  readonly withheld: string | undefined;
  /** What checks added to the log: zones, rules, SPF and the like. */
  readonly fields: Readonly<Record<string, string | undefined>>;
}

/** Longest text kept of anything a client said. */
const LONGEST = 320;

export function recordOf(decision: Decision, time: number): DecisionRecord {
  const { envelope, verdict, check, failed, withheld, fields } = decision;
  const { session } = envelope;
  return {
    id: envelope.id,
    time,
    client: { address: session.address?.text, name: clip(session.name), helo: clip(envelope.helo) },
    authenticated: clip(envelope.authenticated),
    sender: clip(envelope.sender),
    recipient: clip(envelope.recipient),
    action: verdict.action,
    reason: verdict.reason,
    check,
    reply: verdict.action === 'accept' ? undefined : verdict.reply,
    delayed: verdict.action === 'accept' ? (verdict satisfies Accept).delayed : undefined,
    failed,
    withheld,
    fields,
  };
}

export function rowOf(record: DecisionRecord): HistoryRow {
  return { id: record.id, text: JSON.stringify(record) };
}

/** The record in a row. Throws a SyntaxError for a text that no `rowOf` has made. */
export function recordIn({ text }: HistoryRow): DecisionRecord {
  return JSON.parse(text) as DecisionRecord;
}

function clip<T extends string | undefined>(text: T): T {
  return (text === undefined || text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`) as T;
}
