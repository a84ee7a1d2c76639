/**
 * The reports of `milter-greylist dnsbl` for a person at a terminal.
 */
import type { DoctorReport, FamilyReport, ResolverReport, ZoneReport } from './dnsbl-doctor.ts';
import type { AddressReport, ZoneWord } from './dnsbl-lookup.ts';

/** What zones say of an address. */
export function renderLookup({ address, skipped, outcome, zones }: AddressReport, policy: string): string {
  if (skipped !== undefined) return `${address}  not looked up: ${skipped} address\n`;
  const width = Math.max(0, ...zones.map(({ zone }) => zone.length));
  const lines = zones.map(word => `  ${word.zone.padEnd(width)}  ${describeWord(word)}`);
  return [`${address}  ${outcome} (policy ${policy})`, ...lines, ''].join('\n');
}

function describeWord({ vote, answer, cause, detail, text, milliseconds, from }: ZoneWord): string {
  const parts: string[] = [vote];
  if (cause !== undefined) parts.push(cause);
  if (detail !== undefined && detail !== cause) parts.push(`(${detail})`);
  else if (answer.length > 0) parts.push(answer.join(' '));
  if (milliseconds !== undefined) parts.push(`${milliseconds.toFixed(0)} ms`);
  if (from !== undefined && from !== 'fresh') parts.push(from === 'cache' ? 'cached' : from);
  const line = parts.join('  ');
  return text === undefined ? line : `${line}\n      "${text}"`;
}

/** What the doctor found. */
export function renderDoctor({ ok, resolver, zones }: DoctorReport): string {
  const bad = zones.filter(zone => !zone.ok).length;
  const sick = resolver.ok ? '' : ', and the resolver needs care';
  const summary = ok ? 'All is well.' : `${bad} of ${zones.length} zones can not be used${sick}.`;
  return [...renderResolver(resolver), '', ...zones.flatMap(renderZone), summary, ''].join('\n');
}

function renderResolver({
  servers,
  publicServers,
  rewritesNxdomain,
  stripsLoopback,
  advice,
}: ResolverReport): string[] {
  const tell = (fact: boolean | null): string => (fact === null ? 'unknown' : fact ? 'YES' : 'no');
  return [
    `resolver ${servers.join(', ')}`,
    `  public resolver                        ${publicServers.join(', ') || 'no'}`,
    `  answers for names that do not exist    ${tell(rewritesNxdomain)}`,
    `  takes answers in 127.0.0.0/8 away      ${tell(stripsLoopback)}`,
    ...advice.map(text => `  → ${text}`),
  ];
}

function renderZone({ zone, ok, verdict, detail, advice, ipv4, ipv6, random, milliseconds }: ZoneReport): string[] {
  const time = milliseconds === undefined ? '' : `  ${milliseconds.toFixed(0)} ms`;
  const lines = [`${ok ? 'ok  ' : 'FAIL'} ${zone}${verdict === 'ok' ? '' : `: ${verdict}`}${time}`];
  if (detail) lines.push(`     ${detail}`);
  if (ipv4) lines.push(`     IPv4  127.0.0.2 ${ipv4.listed}, 127.0.0.1 ${ipv4.unlisted}`);
  if (ipv6) lines.push(`     IPv6  ${describeSix(ipv6)}`);
  if (random) lines.push(`     name at random  ${random}`);
  if (advice) lines.push(`     → ${advice}`);
  return [...lines, ''];
}

function describeSix({ listed, unlisted, verdict }: FamilyReport): string {
  if (verdict === 'not-asked') return 'not asked';
  if (verdict === 'unproven') return 'no test entry: it is asked, but nothing shows that it lists any';
  return `::ffff:7f00:2 ${listed}, ::ffff:7f00:1 ${unlisted}`;
}
