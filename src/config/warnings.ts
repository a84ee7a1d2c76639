/**
 * What is no error in a configuration, but hardly meant: said by `check-config`.
 */
import { isReachable } from '../dnsbl/ballot.ts';
import { harshZoneRemark } from '../dnsbl/harsh-zones.ts';
import { Zone } from '../dnsbl/zone.ts';
import { deadZoneMessage, zoneList } from '../dnsbl/zone-list.ts';
import type { Config } from './config.ts';
import type { Loaded } from './load.ts';
import type { Problem } from './problem.ts';
import { listWarnings, ruleWarnings } from './rule-warnings.ts';

/** In the order of the keys. */
export function warningsOf(loaded: Loaded): readonly Problem[] {
  return [...ruleWarnings(loaded), ...listWarnings(loaded), ...zoneWarnings(loaded.config, loaded.locate)];
}

function zoneWarnings({ dnsbl }: Config, locate: Loaded['locate']): readonly Problem[] {
  const { zones, dead } = zoneList(dnsbl.zones);
  const warnings = dnsbl.zones.flatMap((options, index) => {
    const zone = Zone.parse(options);
    const gone = dead.find(entry => entry.zone.sameList(zone));
    const remark = gone ? deadZoneMessage(gone.zone, gone.why) : harshRemark(zone, dnsbl);
    return remark === undefined ? [] : [{ place: locate(['dnsbl', 'zones', index]), message: remark }];
  });
  if (zones.length === 0 || isReachable(dnsbl.policy, zones)) return warnings;
  const message = 'the policy asks for more than the zones that are left can say: nobody will be listed';
  return [...warnings, { place: locate(['dnsbl', 'policy']), message }];
}

/** Harsh lists do no harm where they only tag, or where others must agree. */
function harshRemark(zone: Zone, { policy, action, zones }: Config['dnsbl']): string | undefined {
  const remark = harshZoneRemark(zone);
  if (remark === undefined || action === 'tag') return undefined;
  const alone = policy === 'any' || zones.length === 1 || (typeof policy === 'object' && isReachable(policy, [zone]));
  return alone || !remark.endsWith('only tag') ? `DNSBL ${zone.name}: ${remark}` : undefined;
}
