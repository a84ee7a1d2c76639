/**
 * What must fit together across the sections of a configuration. Checked also beside mistakes elsewhere, so that all are told at
 * once: only sections that have some are left out.
 */
import * as z from 'zod';
import { Zone } from '../../dnsbl/zone.ts';
import { conditionsOf } from '../../policy/rules/needs.ts';
import type { Config } from './file.ts';
import { KeyError } from './values.ts';

/** A check of the whole. */
export const together: z.core.$ZodCheck<Config> = z.check<Config>(payload => {
  const wrong = new Set(payload.issues.map(({ path = [] }) => path[0]));
  const isObject = typeof payload.value === 'object' && payload.value !== null;
  const right = isObject ? Object.entries(payload.value).filter(([key]) => !wrong.has(key)) : [];
  for (const { message, path } of mistakes(Object.fromEntries(right) as Partial<Config>)) {
    payload.issues.push({ code: 'custom', message, input: payload.value, path: [...path] });
  }
});
// Otherwise zod leaves it out as soon as there is a mistake anywhere.
together._zod.def.when = () => true;

function mistakes({ optIn, optOut, rules = [], dnsbl }: Partial<Config>): readonly KeyError[] {
  const errors: KeyError[] = [];
  if (optIn !== undefined && optOut !== undefined) {
    errors.push(new KeyError(['optOut'], 'stands beside optIn: expected one of them; exceptions are its `except`'));
  }
  if (dnsbl === undefined) return errors;
  const zones = dnsbl.zones.map(zone => Zone.parse(zone).name);
  for (const [index, rule] of rules.entries()) {
    const asked = conditionsOf([rule]).flatMap(conditions => conditions.dnsbl ?? []);
    if (zones.length === 0 && asked.length > 0) {
      errors.push(new KeyError(['rules', index], 'asks about dnsbl: expected zones in dnsbl.zones'));
      continue;
    }
    const unknown = asked.flatMap(condition => condition.zones).find(zone => !zones.includes(zone));
    if (unknown === undefined) continue;
    const message = `asks about ${unknown}: expected one of dnsbl.zones, ${zones.join(', ')}`;
    errors.push(new KeyError(['rules', index], message));
  }
  return errors;
}
