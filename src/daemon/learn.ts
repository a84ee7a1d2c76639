/**
 * Puts learning into a policy: what a configuration says of it, the checks that use what was learned, and who watches the
 * policy to learn more.
 */
import type { Config } from '../config/config.ts';
import type { Result } from '../dnsbl/result.ts';
import type { FormerForm } from '../greylist/former-keys.ts';
import { networkName, type Prefixes } from '../greylist/triplet.ts';
import type { Learned, LearningRules } from '../learning/learning.ts';
import type { Address } from '../net/address.ts';
import type { Check } from '../policy/check.ts';
import { autowhiteCheck } from '../policy/checks/autowhite.ts';
import { correspondentsCheck } from '../policy/checks/correspondents.ts';
import { patienceCheck, tryOf } from '../policy/checks/patience.ts';
import { spfKey } from '../policy/checks/spf.ts';
import { type SuspicionOptions, suspicionCheck } from '../policy/checks/suspicion.ts';
import type { Session } from '../policy/envelope.ts';
import type { Faults } from '../policy/faults.ts';
import { correspondenceObserver, type Observer, refusalObserver } from '../policy/observed.ts';
import type { SessionBallots } from '../policy/session-ballots.ts';
import type { SpfResults } from '../policy/spf-results.ts';
import type { SpfFinding } from '../spf/spf.ts';

/** What a configuration says of learning. */
export function learningRules({ learning, greylist }: Config): LearningRules {
  const { autowhite, pendingLimit, correspondents, impatient, relaySwitchers } = learning;
  const { lifetime, retryWindow } = greylist;
  return {
    autowhite: autowhite ? { ...autowhite, lifetime } : undefined,
    pendingLimit,
    retryWindow,
    correspondents: correspondents || undefined,
    impatient: impatient ? { ...impatient, extraDelay: impatient.delay } : undefined,
    relaySwitchers: relaySwitchers ? { ...relaySwitchers, extraDelay: relaySwitchers.delay } : undefined,
  };
}

/** The names of a client's network: the one in use, then those it may have been known by. */
export function networkNames(
  form: Prefixes,
  former: readonly FormerForm[],
  now: () => number,
): (address: Address) => readonly string[] {
  if (former.length === 0) return address => [networkName(address, form)];
  return address => {
    const alive = former.filter(({ until }) => until >= now());
    return [...new Set([form, ...alive.map(({ form: other }) => other)].map(one => networkName(address, one)))];
  };
}

export interface LearnedChecksParts extends Pick<SuspicionOptions, 'ballots' | 'names' | 'spf'> {
  readonly learned: Learned;
  readonly networksOf: (address: Address) => readonly string[];
  readonly networkOf: (address: Address) => string;
}

/** The checks that use what was learned, in their order; the verdicts come before the advice. */
export function learnedChecks(config: Config, parts: LearnedChecksParts): readonly Check[] {
  const { learned, networksOf, networkOf, ballots } = parts;
  const { networks, correspondents, patience } = learned;
  const checks: Check[] = [];
  if (config.learning.autowhite) checks.push(autowhiteCheck({ merits: networks, networksOf, ballots }));
  if (correspondents) checks.push(correspondentsCheck(correspondents));
  if (patience) checks.push(patienceCheck(patience, networkOf));
  const suspicion = suspicionOptions(config, parts);
  if (suspicion) checks.push(suspicionCheck(suspicion));
  return checks;
}

/** Undefined where a suspicion would change nothing. A class without a delay of its own matters only if not everyone waits. */
function suspicionOptions({ greylist, originating }: Config, parts: LearnedChecksParts): SuspicionOptions | undefined {
  const { when, suspicious } = greylist;
  const matters = <C extends { readonly delay?: number | undefined }>(settings: C | false) =>
    settings !== false && (when === 'suspicious' || settings.delay !== undefined)
      ? { ...settings, delay: settings.delay }
      : undefined;
  const classes = {
    dnsbl: matters(suspicious.dnsbl),
    noName: matters(suspicious.noName),
    spfSoftfail: matters(suspicious.spfSoftfail),
    spfFail: matters(suspicious.spfFail),
  };
  if (Object.values(classes).every(settings => settings === undefined)) return undefined;
  const { ballots, names, spf } = parts;
  return { when, ...classes, ballots, names, spf, originating: new Set(originating) };
}

/** Takes what merit its network has from a client that a blocklist lists, whether the client is refused for it or not. */
export function revocation(
  { networks }: Learned,
  networksOf: (address: Address) => readonly string[],
  faults: Faults,
): (session: Session, result: Result) => void {
  return ({ address }, { outcome }) => {
    if (outcome !== 'listed' || address === undefined) return;
    try {
      for (const network of networksOf(address)) networks.revoke(network);
    } catch (error) {
      faults.report('autowhite', 'no-word', error);
    }
  };
}

/**
 * Takes what merit an SPF domain has when a client that a blocklist lists comes with it. Most such clients are refused before SPF
 * is asked of them: so who they come from is found out afterwards.
 */
export function domainRevocation(
  { networks }: Learned,
  ballots: SessionBallots,
  spf: SpfResults,
  faults: Faults,
): Observer {
  const revoke = (finding: SpfFinding | undefined): void => {
    const key = finding && spfKey(finding);
    if (key !== undefined) networks.revoke(key);
  };
  return {
    name: 'autowhite',
    decided({ envelope }) {
      if (ballots.begun(envelope.session)?.result?.outcome !== 'listed') return;
      const finding = spf.of(envelope);
      if (!(finding instanceof Promise)) revoke(finding);
      else finding.then(revoke).catch((error: unknown) => faults.report('autowhite', 'no-word', error));
    },
  };
}

/** Who is told what the policy decides. */
export function learners({ correspondents, patience }: Learned, networkOf: (address: Address) => string): Observer[] {
  const observers: Observer[] = [];
  if (correspondents) observers.push(correspondenceObserver((ours, theirs) => correspondents.wrote(ours, theirs)));
  if (patience) {
    observers.push(
      refusalObserver(envelope => {
        const attempt = tryOf(envelope, networkOf);
        if (attempt) patience.refused(attempt);
      }),
    );
  }
  return observers;
}
