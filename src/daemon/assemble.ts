/**
 * Puts a policy together from materials and the parts that outlive a reload. Nothing in here can fail: what could was done before.
 */
import { hostname } from 'node:os';
import type { Clock, Timers } from '../clock.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Blocklists } from '../dnsbl/blocklists.ts';
import type { Greylist } from '../greylist/greylist.ts';
import { dnsblCheck } from '../policy/checks/dnsbl.ts';
import { standardChecks } from '../policy/checks/standard.ts';
import type { Faults } from '../policy/faults.ts';
import { createPolicy, type Policy } from '../policy/policy.ts';
import { VERSION } from '../version.ts';
import type { Materials } from './materials.ts';

/** What a policy works with besides its configuration. */
export interface Parts {
  readonly greylist: Greylist;
  readonly resolver: Resolver;
  /** Undefined if no zones are configured. */
  readonly blocklists: Blocklists | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly faults: Faults;
}

export function assemblePolicy({ config, lists, replies }: Materials, parts: Parts): Policy {
  const { greylist, blocklists, clock, timers, faults } = parts;
  return createPolicy({
    checks: standardChecks({
      localAccepts: config.acceptLocal,
      authenticatedAccepts: config.acceptAuthenticated,
      whitelist: lists.whitelist,
      blacklist: lists.blacklist,
      exempt: config.exempt,
      ...(blocklists && { dnsbl: dnsblCheck({ ...blocklists, reject: config.dnsbl.action === 'reject' }) }),
      replies,
    }),
    greylist,
    replies,
    onFailure: config.onFailure,
    originating: config.originating,
    author: { product: `${config.name}/${VERSION.split('.', 2).join('.')}`, host: hostname() },
    clock,
    timers,
    faults,
  });
}
