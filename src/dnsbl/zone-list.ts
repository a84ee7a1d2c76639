/**
 * The zones in configured order: entries for one list merged, so that one query serves all its filters, and lists that are
 * known to be dead left out.
 */
import { type DeadZone, deadZones } from './dead-zones.ts';
import { Zone, type ZoneOptions } from './zone.ts';

export interface ZoneList {
  readonly zones: readonly Zone[];
  /** Left out; the administrator must be told. */
  readonly dead: readonly { readonly zone: Zone; readonly why: DeadZone }[];
}

/** Parses and merges. Throws `ZoneError` for the first entry that is wrong. */
export function zoneList(entries: readonly (string | ZoneOptions | Zone)[]): ZoneList {
  const zones: Zone[] = [];
  for (const entry of entries) {
    const zone = entry instanceof Zone ? entry : Zone.parse(entry);
    const index = zones.findIndex(other => other.sameList(zone));
    if (index < 0) zones.push(zone);
    else zones[index] = zones[index]!.merge(zone);
  }
  const dead = zones.flatMap(zone => {
    const why = deadZones.find(({ domain }) => zone.isBelow(domain));
    return why && !zone.forced ? [{ zone, why }] : [];
  });
  return { zones: zones.filter(zone => !dead.some(entry => entry.zone === zone)), dead };
}

/** One line for the log, and for `dnsbl --check`. */
export function deadZoneMessage(zone: Zone, why: DeadZone): string {
  return `DNSBL ${zone.name} is not asked: dead since ${why.year}, ${why.reason}; write "${zone.name}!" to ask it all the same`;
}

/** Takes the keys in these zones' domains out of a text, such as a line of the DNS debug log. */
export function keyMask(zones: readonly Zone[]): (text: string) => string {
  return text => zones.reduce((masked, zone) => zone.mask(masked), text);
}
