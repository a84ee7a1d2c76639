/**
 * Puts a policy together from materials and the parts that outlive a reload. Nothing in here can fail: what could was done before.
 */
import { hostname } from 'node:os';
import type { Clock, Timers } from '../clock.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Blocklists } from '../dnsbl/blocklists.ts';
import type { FormerForm } from '../greylist/former-keys.ts';
import type { Greylist } from '../greylist/greylist.ts';
import { type KeyForm, networkName } from '../greylist/triplet.ts';
import type { Learned } from '../learning/learning.ts';
import type { Address } from '../net/address.ts';
import { refusalCheck } from '../policy/checks/blacklist.ts';
import { dnsblCheck } from '../policy/checks/dnsbl.ts';
import { optCheck } from '../policy/checks/opt.ts';
import { rulesCheck } from '../policy/checks/rules.ts';
import { spfCheck } from '../policy/checks/spf.ts';
import { type OwnCheck, standardChecks } from '../policy/checks/standard.ts';
import { welcomeCheck } from '../policy/checks/whitelist.ts';
import { createClientNames } from '../policy/client-name.ts';
import type { MessageStart } from '../policy/envelope.ts';
import type { Faults } from '../policy/faults.ts';
import { observedPolicy } from '../policy/observed.ts';
import { createPolicy, type ExplainingPolicy } from '../policy/policy.ts';
import { createSessionBallots } from '../policy/session-ballots.ts';
import { SpfResults } from '../policy/spf-results.ts';
import { createMailauthSpf } from '../spf/mailauth-spf.ts';
import { VERSION } from '../version.ts';
import { domainRevocation, learnedChecks, learners, networkNames, revocation } from './learn.ts';
import type { Materials } from './materials.ts';

/** What a policy works with besides its configuration. */
export interface Parts {
  readonly greylist: Greylist;
  /** How the greylist names networks, and how it did before. */
  readonly form: KeyForm;
  readonly former: readonly FormerForm[];
  readonly learned: Learned;
  readonly resolver: Resolver;
  /** Undefined if no zones are configured. */
  readonly blocklists: Blocklists | undefined;
  /** Checks of who uses this as a library. */
  readonly own?: readonly OwnCheck[] | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly faults: Faults;
}

export function assemblePolicy(materials: Materials, parts: Parts): ExplainingPolicy {
  const { config, rules, whitelist, blacklist, opt, replies } = materials;
  const { greylist, form, former, learned, resolver, blocklists, own, clock, timers, faults } = parts;
  const networkOf = (address: Address): string => networkName(address, form);
  const networksOf = networkNames(form, former, () => clock.now());
  const ballots = blocklists && createSessionBallots(blocklists.panel, revocation(learned, networksOf, faults));
  const names = createClientNames(resolver);
  const spfPort = materials.spf && createMailauthSpf({ spf: materials.spf, resolver, clock, timers });
  const spfResults = spfPort && new SpfResults(spfPort, config.originating);
  const spf = spfResults && ((message: MessageStart) => spfResults.word(message));
  const policy = createPolicy({
    checks: standardChecks({
      localAccepts: config.acceptLocal,
      authenticatedAccepts: config.acceptAuthenticated,
      own,
      rules:
        rules.size > 0
          ? rulesCheck({ book: rules, clock, names, ballots, spf, originating: config.originating })
          : undefined,
      whitelist: welcomeCheck(whitelist, names),
      blacklist: refusalCheck(blacklist, names, replies),
      opt: opt && optCheck(opt.side, opt.list),
      exempt: config.exempt,
      ...(blocklists && { dnsbl: dnsblCheck({ ...blocklists, ballots, reject: config.dnsbl.action === 'reject' }) }),
      ...(spfResults && { spf: spfCheck(spfResults, config.spf) }),
      learned: learnedChecks(config, { learned, networkOf, networksOf, ballots, names, spf }),
      replies,
    }),
    greylist,
    replies,
    scope: config.greylist.scope,
    onFailure: config.onFailure,
    originating: config.originating,
    author: { product: `${config.name}/${VERSION.split('.', 2).join('.')}`, host: hostname() },
    clock,
    timers,
    faults,
  });
  const observers = learners(learned, networkOf);
  if (ballots && spfResults && config.spf === 'key') {
    observers.push(domainRevocation(learned, ballots, spfResults, faults));
  }
  return observedPolicy(policy, observers, faults);
}
