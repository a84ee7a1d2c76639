/**
 * Advice: what a check says short of a verdict. It goes on to the greylist, to the message's headers and to the log. Where
 * several checks advise on the same matter, the first one's word holds, as it does for verdicts; extra delays add up.
 */
import type { Fields, Header, RejectReason, Reply } from './verdict.ts';

export interface Advice {
  readonly action: 'advise';
  /** Whom to ask next: the check that follows (default), or the greylist, with no more than advice in between. */
  readonly next?: 'check' | 'greylist';
  readonly greylist?: Terms;
  /** For the message, should it pass; in order. */
  readonly headers?: readonly Header[];
  /** More for the log line of this recipient. */
  readonly fields?: Fields;
  /** Something could not be found out that might have spared the recipient: it gets no 5xx any more. */
  readonly doubt?: boolean;
  /** A rejection that was withheld for the sake of such a doubt. */
  readonly withheld?: RejectReason;
}

/** How the greylist is to treat one recipient; what is not said is as configured. */
export interface Terms {
  /** Takes the network's place in the triplet, such as `spf:example.org`. */
  readonly key?: string;
  /** Milliseconds a newcomer waits. */
  readonly delay?: number;
  /** Milliseconds on top of the delay. */
  readonly extraDelay?: number;
  /** The reply to who has to wait so many seconds. */
  readonly reply?: (wait: number) => Reply;
}

/** What has been advised so far, put together. */
export interface Advised {
  readonly terms: Terms;
  readonly headers: readonly Header[];
  readonly fields: Fields;
}

export const noAdvice: Advised = { terms: {}, headers: [], fields: {} };

/** Adds later advice to earlier. */
export function combine(earlier: Advised, { greylist = {}, headers = [], fields = {} }: Advice): Advised {
  const extraDelay = (earlier.terms.extraDelay ?? 0) + (greylist.extraDelay ?? 0);
  return {
    terms: { ...greylist, ...earlier.terms, ...(extraDelay > 0 && { extraDelay }) },
    headers: [...earlier.headers, ...headers],
    fields: { ...fields, ...earlier.fields },
  };
}
