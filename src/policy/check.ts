/**
 * A check: one step of the policy. It looks at an envelope and gives a verdict, advice, or no word, and after the latter two the
 * next check is asked (`docs/architecture.md`). Built-in checks live in `checks/`; users of the library add their own.
 */
import type { Advice, Terms } from './advice.ts';
import type { Envelope, MessageStart, Session } from './envelope.ts';
import type { Accept, Header, Verdict } from './verdict.ts';

/** A verdict; advice for those that come after; or nothing. */
export type Word = Verdict | Advice | undefined;

/**
 * What the client's address alone settles, whatever the session brings: an acceptance, a rejection, or that it is `open`, since
 * the check may yet refuse, delay, mark or watch by what comes after CONNECT.
 */
export type Settled = Accept | { readonly action: 'reject' } | { readonly action: 'open' };

export interface Check {
  /** Kebab-case; stands in the log line as `check=`. */
  readonly name: string;
  /**
   * Whether the check may accept. If such a check fails, the recipient gets no 5xx any more: the fault may have swallowed
   * an acceptance.
   */
  readonly canAccept: boolean;
  /** Gives nothing but advice: asked even on the way of recipients that were handed to the greylist. */
  readonly advisory?: boolean;
  /**
   * Whether it takes part on listeners for our own users' mail (`originating`). Default: if it has neither `prefetch` nor
   * `begin`, since nothing is looked up there.
   */
  readonly originating?: boolean;
  /** Macros it looks at, by name without braces, which the daemon then asks the mail server for; for checks of one's own. */
  readonly macros?: readonly string[];
  /** Milliseconds `run` may take before it counts as failed; default 3,000. */
  readonly deadline?: number;
  /**
   * What this check will say on every recipient of this session that no check before it has spoken on. Undefined: no more
   * than an acceptance can come of it. A check that has no such method is always open, and behind an open one no later check's
   * acceptance is settled at CONNECT. Checks behind one that settles a session are not asked in it.
   */
  settles?(session: Session): Settled | undefined;
  /** Starts work as soon as the client is known (CONNECT), so that its latency hides behind the client's own round trips. */
  prefetch?(session: Session): void;
  /**
   * Starts work as soon as the sender is known (MAIL). If a check has this, mail servers are made to tell of MAIL at once and
   * wait for the answer, a round trip of theirs; those that can't are heard later. It may not be called at all: `run` has to
   * do without.
   */
  begin?(message: MessageStart): void;
  /** Looks at one recipient; `terms` are what was advised before. Synchronous where possible: a promise costs the hot path. */
  run(envelope: Envelope, terms?: Terms): Word | Promise<Word>;
  /** Headers for a message that passes; called once per message, at its end. */
  headers?(
    session: Session,
    message: { readonly authenticated: boolean },
  ): readonly Header[] | Promise<readonly Header[]>;
  /** What `run` looks at, in a few words for people (`explain`): the client's address, the votes, what is stored. */
  subject?(envelope: Envelope, terms: Terms): string | Promise<string>;
  /** More for the log line of a decision in this session, such as the votes. */
  logFields?(session: Session): Readonly<Record<string, string | undefined>>;
}
