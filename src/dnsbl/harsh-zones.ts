/**
 * Lists that are not what they are taken for: refusing on their word alone loses mail. They work, and have their uses; whoever
 * configures one is told.
 */
import type { Zone } from './zone.ts';

export interface HarshZone {
  /** The list's domain; everything below it is meant too. */
  readonly domain: string;
  readonly kind: 'harsh' | 'allow-list' | 'mixed';
  readonly remark: string;
}

const harsh = (domain: string, remark: string): HarshZone => ({ domain, kind: 'harsh', remark });
const allows = (domain: string): HarshZone => ({
  domain,
  kind: 'allow-list',
  remark: 'it lists good senders: give it a negative weight under a score, or leave it out',
});
const mixed = (domain: string, remark: string): HarshZone => ({ domain, kind: 'mixed', remark });

export const harshZones: readonly HarshZone[] = [
  harsh('dnsbl-2.uceprotect.net', 'it lists whole networks for what some of their hosts sent'),
  harsh('dnsbl-3.uceprotect.net', 'it lists all networks of a provider for what some of their hosts sent'),
  harsh(
    'ips.backscatterer.org',
    'it lists servers that send bounces or verify addresses, large and honest ones among them',
  ),
  harsh('dyna.spamrats.com', 'it lists addresses for the look of their names'),
  harsh('noptr.spamrats.com', 'it lists addresses for having no name'),
  harsh('dnsbl.spfbl.net', 'it lists addresses for the look or the lack of their names'),
  allows('list.dnswl.org'),
  allows('wl.mailspike.net'),
  allows('swl.spamhaus.org'),
  allows('ips.whitelisted.org'),
  allows('iadb.isipp.com'),
  mixed('hostkarma.junkemailfilter.com', 'it lists good and bad hosts: say which answers count, as in =127.0.0.2'),
  mixed('rep.mailspike.net', 'it lists good and bad hosts: say which answers count, as in =127.0.0.[10..12]'),
  mixed('score.senderscore.com', 'it answers with a score for good and bad hosts: say which answers count'),
];

/** What to say of a zone, given how it counts; undefined if it is used as it should be. */
export function harshZoneRemark(zone: Zone): string | undefined {
  const known = harshZones.find(({ domain }) => zone.isBelow(domain));
  if (known === undefined) return undefined;
  if (known.kind === 'allow-list') return zone.rules.some(({ weight }) => weight > 0) ? known.remark : undefined;
  if (known.kind === 'mixed') return zone.rules.some(({ filter }) => filter === undefined) ? known.remark : undefined;
  return `${known.remark}: let others agree (policy majority, or a score), or only tag`;
}
