/**
 * `rules`: the administrator's own rules (`docs/rules.md`), before everything but what is ours. The first that holds and has an
 * ending decides.
 */
import type { Clock } from '../../clock.ts';
import type { SpfResult } from '../../spf/spf.ts';
import type { Check } from '../check.ts';
import type { ClientNames } from '../client-name.ts';
import { partiesWords } from '../describe.ts';
import type { Envelope, Session } from '../envelope.ts';
import type { Evidence } from '../rules/evidence.ts';
import type { RuleBook } from '../rules/rule-book.ts';
import type { SessionBallots } from '../session-ballots.ts';

export interface RulesCheckParts {
  readonly book: RuleBook;
  readonly clock: Clock;
  readonly names: ClientNames;
  /** Undefined if there are no blocklists. */
  readonly ballots?: SessionBallots | undefined;
  /** The SPF result of a message; never rejects. Undefined if it is not looked up. */
  readonly spf?: ((envelope: Envelope) => SpfResult | Promise<SpfResult> | undefined) | undefined;
  /** `{daemon_name}`s of listeners for our own users' mail: blocklists are not asked there. */
  readonly originating: readonly string[];
}

export function rulesCheck({ book, clock, names, ballots, spf, originating }: RulesCheckParts): Check {
  const ours: ReadonlySet<string> = new Set(originating);
  const isOriginating = ({ daemonName }: Session): boolean => daemonName !== undefined && ours.has(daemonName);
  const evidence: Evidence = {
    now: () => clock.now(),
    names,
    ballot({ session, authenticated }) {
      if (ballots === undefined || authenticated !== undefined || isOriginating(session)) return undefined;
      const ballot = ballots.of(session);
      return ballot?.result ?? ballot?.promise;
    },
    spf: envelope => spf?.(envelope),
  };
  const { needs } = book;
  return {
    name: 'rules',
    canAccept: true,
    originating: true,
    // The parts keep shorter limits of their own; of several, each may take its time.
    deadline: 6_000,
    settles: session => book.settles(session),
    prefetch(session) {
      if (needs.ballot && !isOriginating(session)) ballots?.of(session);
      if (book.mayAskName(session)) void names.standing(session);
    },
    run: envelope => book.judge(envelope, evidence),
    subject: async envelope =>
      `${book.size} ${book.size === 1 ? 'rule' : 'rules'}; ${await partiesWords(envelope, names)}, HELO ${envelope.helo ?? 'none'}`,
  };
}
