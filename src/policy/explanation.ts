/**
 * An explanation: what each check looked at and said about one recipient, step by step, and what came of it. It is made by
 * the chain that decides, so it can't tell a different story; whether anything is stored is up to the parts of the policy.
 */
import { type Advised, combine, noAdvice } from './advice.ts';
import type { Witness } from './chain.ts';
import type { Check, Word } from './check.ts';
import type { Decision, MessageVerdict } from './decision.ts';
import type { Envelope } from './envelope.ts';

export interface Step {
  readonly check: string;
  /** What the check looked at, if it can tell. */
  readonly subject: string | undefined;
  /** What it said; undefined for no word. */
  readonly word: Word;
  /** Why it failed, if it did. */
  readonly failure: string | undefined;
}

export interface Explanation {
  /** In the order in which the checks were asked. */
  readonly steps: readonly Step[];
  /** Checks that were not asked, since one before them had spoken. */
  readonly unasked: readonly string[];
  readonly decision: Decision;
  /** What becomes of the message, had it only this recipient; undefined if it is not let in to its end. */
  readonly end: MessageVerdict | undefined;
}

export interface ExplanationParts {
  /** All checks, in order, the greylist last. */
  readonly checks: readonly Check[];
  readonly decide: (envelope: Envelope, witness: Witness) => Decision | Promise<Decision>;
  readonly end: (decision: Decision) => MessageVerdict | Promise<MessageVerdict>;
}

export async function explain(envelope: Envelope, { checks, decide, end }: ExplanationParts): Promise<Explanation> {
  const heard: { readonly check: Check; readonly word: Word; readonly failure: unknown; readonly advised: Advised }[] =
    [];
  let advised = noAdvice;
  const decision = await decide(envelope, (check, word, failure) => {
    heard.push({ check, word, failure, advised });
    if (word?.action === 'advise') advised = combine(advised, word);
  });
  const steps = await Promise.all(
    heard.map(async ({ check, word, failure, advised }) => ({
      check: check.name,
      subject: await subjectOf(check, envelope, advised),
      word,
      failure: failure === undefined ? undefined : failure instanceof Error ? failure.message : String(failure),
    })),
  );
  const asked = new Set(heard.map(({ check }) => check));
  const unasked = checks.filter(check => !asked.has(check)).map(({ name }) => name);
  return { steps, unasked, decision, end: decision.verdict.action === 'accept' ? await end(decision) : undefined };
}

async function subjectOf(check: Check, envelope: Envelope, { terms }: Advised): Promise<string | undefined> {
  try {
    return await check.subject?.(envelope, terms);
  } catch (error) {
    return `could not be told: ${error instanceof Error ? error.message : String(error)}`;
  }
}
