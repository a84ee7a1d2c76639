/**
 * The self-test of a list (RFC 5782 §5): 127.0.0.2 must be listed, 127.0.0.1 must not; for IPv6 ::FFFF:7F00:2 and
 * ::FFFF:7F00:1. It tells a list that works from one that is empty, parked, mistyped, or hidden by a resolver.
 */
import type { Answer, Resolver } from '../dns/resolver.ts';
import { classify } from './classify.ts';
import { reversedLabels } from './query-name.ts';
import { type AbstainCause, faultOf } from './vote.ts';
import type { Zone } from './zone.ts';

/** `unsure`: no answer, which says nothing about the list's contents. */
export type TestResult =
  | { readonly verdict: 'good' }
  | { readonly verdict: 'bad' | 'unsure'; readonly cause: AbstainCause; readonly detail: string };

/** Milliseconds for both questions. */
const patience = 5_000;

interface Entry {
  readonly text: string;
  readonly labels: string;
}
interface Entries {
  readonly listed: Entry;
  readonly unlisted: Entry;
}

/** An address of the 127.0.0.0/8 kind, for IPv6 written as an IPv4-mapped one. */
function entry(family: 4 | 6, last: number): Entry {
  const octets = [127, 0, 0, last];
  if (family === 4)
    return { text: octets.join('.'), labels: reversedLabels({ family, bytes: Uint8Array.from(octets) }) };
  const bytes = Uint8Array.from([...new Array<number>(10).fill(0), 255, 255, ...octets]);
  return { text: `::ffff:7f00:${last}`, labels: reversedLabels({ family, bytes }) };
}

/** The entries that each family's test looks for. */
export const testEntries: Readonly<Record<4 | 6, Entries>> = {
  4: { listed: entry(4, 2), unlisted: entry(4, 1) },
  6: { listed: entry(6, 2), unlisted: entry(6, 1) },
};

/** Asks for both entries, past the cache. A zone without test entries need not have the first, but no list has the second. */
export async function runSelfTest(
  zone: Zone,
  family: 4 | 6,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<TestResult> {
  const ask = async ({ labels }: Entry): Promise<Answer> =>
    await resolver.resolve(zone.queryName(labels), 'A', { bypassCache: true, timeout: patience, signal });
  const { listed, unlisted } = testEntries[family];
  const judged = judge(await Promise.all([ask(listed), ask(unlisted)]), family);
  const excused = judged.verdict === 'bad' && judged.cause === 'blind' && !zone.selfTest;
  const result: TestResult = excused ? { verdict: 'good' } : judged;
  return result.verdict === 'good' ? result : { ...result, detail: zone.mask(result.detail) };
}

/** What the answers to both questions, `listed` and `unlisted`, mean. Pure. */
export function judge([listed, unlisted]: readonly [Answer, Answer], family: 4 | 6): TestResult {
  const entries = testEntries[family];
  const [first, second] = [classify(listed, []), classify(unlisted, [])];
  if (second.vote === 'listed')
    return bad(
      'lists-the-world',
      `it lists ${entries.unlisted.text}, which no list may (answer ${second.codes.join(', ')})`,
    );
  for (const vote of [first, second])
    if (vote.vote === 'abstain' && isWord(vote.cause)) return bad(vote.cause, vote.detail ?? '');
  for (const [vote, answer] of [
    [first, listed],
    [second, unlisted],
  ] as const)
    if (vote.vote === 'abstain') return unsure(vote.cause, answer);
  if (first.vote === 'listed') return { verdict: 'good' };
  return bad(
    'blind',
    listed.status === 'nodata'
      ? `${entries.listed.text} has a name there but no address: the resolver strips answers in 127.0.0.0/8, or the list is empty`
      : `it does not list its test entry ${entries.listed.text}: wrong zone name, empty, or no blocklist`,
  );
}

/** Whether an abstention is the list's own word, as against silence or a broken server on the way. */
function isWord(cause: AbstainCause): boolean {
  return faultOf(cause) === 'trip' || cause === 'refusal' || cause === 'alias';
}

function bad(cause: AbstainCause, detail: string): TestResult {
  return { verdict: 'bad', cause, detail };
}

function unsure(cause: AbstainCause, answer: Answer): TestResult {
  return { verdict: 'unsure', cause, detail: answer.status === 'failed' ? answer.detail : '' };
}
