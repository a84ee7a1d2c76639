/**
 * What must fit together across the sections of a configuration.
 */
import { Zone } from '../../dnsbl/zone.ts';
import { conditionsOf } from '../../policy/rules/needs.ts';
import type { Config } from './file.ts';
import { KeyError } from './values.ts';

/** @throws KeyError */
export function checkTogether(config: Config): Config {
  if (config.optIn !== undefined && config.optOut !== undefined) {
    throw new KeyError(['optOut'], 'stands beside optIn: expected one of them; exceptions are its `except`');
  }
  const zones = config.dnsbl.zones.map(zone => Zone.parse(zone).name);
  for (const [index, rule] of config.rules.entries()) {
    for (const { dnsbl } of conditionsOf([rule])) {
      if (dnsbl === undefined) continue;
      if (zones.length === 0) throw new KeyError(['rules', index], 'asks about dnsbl: expected zones in dnsbl.zones');
      const unknown = dnsbl.zones.find(zone => !zones.includes(zone));
      if (unknown !== undefined) {
        throw new KeyError(['rules', index], `asks about ${unknown}: expected one of dnsbl.zones, ${zones.join(', ')}`);
      }
    }
  }
  return config;
}
