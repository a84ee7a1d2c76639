/**
 * A decision: a verdict with all that the log tells about it.
 */
import type { Advised } from './advice.ts';
import type { Envelope } from './envelope.ts';
import type { Greylist, Header, RejectReason, Verdict } from './verdict.ts';

export interface Decision {
  readonly envelope: Envelope;
  readonly verdict: Verdict;
  /** The check that spoke, or whose failure decided. */
  readonly check: string;
  /** Milliseconds from the question to the verdict. */
  readonly elapsed: number;
  /** Checks that failed on the way. */
  readonly failed: readonly string[];
  /** A rejection that was withheld, because a check that could have accepted had failed before. */
  readonly withheld: RejectReason | undefined;
  /** What checks advised on the way. */
  readonly advised: Advised;
  /** What the checks that were asked have to add to the log line. */
  readonly fields: Readonly<Record<string, string | undefined>>;
}

/**
 * What becomes of a message at its end: it passes, with these headers, or is greylisted with one reply for all recipients.
 * `decisions` are those that fell only now, one a recipient that was accepted with reason `end-of-message`.
 */
export type MessageVerdict =
  | { readonly action: 'accept'; readonly headers: readonly Header[]; readonly decisions: readonly Decision[] }
  | (Greylist & { readonly decisions: readonly Decision[] });
