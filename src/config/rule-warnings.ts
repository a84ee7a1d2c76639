/**
 * Rules and lists that are hardly meant: rules that can never have a say, and acceptance by what anyone can claim.
 */

import { addressOf } from '../net/address.ts';
import { isLocal } from '../net/address-class.ts';
import type { Network } from '../net/network.ts';
import type { Conditions, Values } from '../policy/rules/rule.ts';
import type { Config } from './config.ts';
import { hiddenRules } from './hidden-rules.ts';
import type { Loaded } from './load.ts';
import type { Problem } from './problem.ts';

export function ruleWarnings({ config, locate }: Loaded): readonly Problem[] {
  const { rules } = config;
  const hidden = hiddenRules(rules);
  return rules.flatMap((rule, index) => {
    const warn = (message: string): Problem => ({
      place: locate(['rules', index]),
      message: `${rule.name}: ${message}`,
    });
    const before = hidden.get(rule);
    const never = localReason(rule.conditions, config) ?? (before && `${before.name} (${before.at}) decides before it`);
    if (never !== undefined) return [warn(`it can never match: ${never}`)];
    const forged = rule.ending?.action === 'accept' && !rule.monitor ? forgeable(rule.conditions) : undefined;
    return forged === undefined
      ? []
      : [warn(`it accepts whoever claims ${forged}: add \`client\`, \`name\` or \`spf\``)];
  });
}

/** Whitelists by what a client says of itself. */
export function listWarnings({ config, locate }: Loaded): readonly Problem[] {
  const { senders, names, unverified } = config.whitelist;
  const warnings: Problem[] = [];
  if (size(senders) > 0) {
    const message = 'anyone can claim a sender: better a rule with `sender` and `spf: pass`, or `triples`';
    warnings.push({ place: locate(['whitelist', 'senders']), message });
  }
  if (unverified && size(names) > 0) {
    const message = 'whoever owns an address can give it any name, and it is taken for true here';
    warnings.push({ place: locate(['whitelist', 'unverified']), message });
  }
  return warnings;
}

function size({ values, files }: Values<unknown>): number {
  return values.length + files.length;
}

/** What settles such recipients before any rule is asked. */
function localReason({ auth, client }: Conditions, { acceptAuthenticated, acceptLocal }: Config): string | undefined {
  if (acceptAuthenticated && auth !== undefined && auth !== false)
    return 'clients that have logged in are accepted before, as long as acceptAuthenticated is on';
  if (acceptLocal && client !== undefined && client.files.length === 0 && client.values.every(isLocalNetwork))
    return 'private clients are accepted before, as long as acceptLocal is on';
  return undefined;
}

/** From its first address to its last: no network that is not ours has both ends in one that is. */
function isLocalNetwork({ base, prefix }: Network): boolean {
  const last = base.bytes.map((byte, index) => byte | (0xff >> Math.min(8, Math.max(0, prefix - 8 * index))));
  return isLocal(base) && isLocal(addressOf(last));
}

/** What a rule believes, if a stranger can make all of it true. */
function forgeable({ sender, helo, name, unverified, client, spf, auth, macro }: Conditions): string | undefined {
  const claims = [sender && 'that sender', helo && 'that HELO name', name && unverified && 'that name'].filter(Boolean);
  const passes = spf?.every(result => result === 'pass') === true;
  const proved = client || (name && !unverified) || passes || auth || macro;
  return claims.length > 0 && !proved ? claims.join(' and ') : undefined;
}
