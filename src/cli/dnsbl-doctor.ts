/**
 * `milter-greylist dnsbl --check`: the doctor. Looks at every zone and at the resolver, and says what is wrong with them and
 * what to do. A zone is asked for its test entries (RFC 5782 §5) in both families and for a name that can't be there.
 */
import type { Clock } from '../clock.ts';
import { publicOperator } from '../dns/public-resolvers.ts';
import type { Answer, Resolver } from '../dns/resolver.ts';
import { formatServer, type ServerAddress } from '../dns/servers.ts';
import { judge, type TestResult, testEntries } from '../dnsbl/self-test.ts';
import type { AbstainCause } from '../dnsbl/vote.ts';
import type { Zone } from '../dnsbl/zone.ts';
import type { ZoneList } from '../dnsbl/zone-list.ts';

export interface DoctorDeps {
  readonly resolver: Resolver;
  /** Those that the resolver asks. */
  readonly servers: readonly ServerAddress[];
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random`. */
  readonly random: () => number;
}

/** What is wrong, in one word: a vote's cause, or what only the doctor finds. */
export type Finding = AbstainCause | 'dead' | 'wildcard' | 'no-test-entries';

export interface FamilyReport {
  /** The answer for the entry that must be listed, in words: `127.0.0.2`, `NXDOMAIN`, `timeout`. */
  readonly listed: string;
  /** The answer for the entry that must not be listed. */
  readonly unlisted: string;
  readonly verdict: 'good' | 'not-asked' | 'unproven' | Finding;
  readonly detail?: string;
}

export interface ZoneReport {
  readonly zone: string;
  readonly ok: boolean;
  readonly verdict: 'ok' | Finding;
  readonly detail?: string;
  /** What to do about it. */
  readonly advice?: string;
  readonly ipv4?: FamilyReport;
  readonly ipv6?: FamilyReport;
  /** The answer for a name at random, in words. */
  readonly random?: string;
  /** Milliseconds until the slower of the two IPv4 test entries was answered. */
  readonly milliseconds?: number;
}

export interface ResolverReport {
  readonly ok: boolean;
  readonly servers: readonly string[];
  /** Servers that are known public resolvers, with their operator. */
  readonly publicServers: readonly string[];
  /** Whether names that do not exist get an answer; null if it could not be found out. */
  readonly rewritesNxdomain: boolean | null;
  /** Whether answers in 127.0.0.0/8 are taken away; null if it could not be found out. */
  readonly stripsLoopback: boolean | null;
  readonly advice: readonly string[];
}

export interface DoctorReport {
  readonly ok: boolean;
  readonly resolver: ResolverReport;
  /** In configured order, dead zones at the end. */
  readonly zones: readonly ZoneReport[];
}

export async function checkUp({ zones, dead }: ZoneList, deps: DoctorDeps): Promise<DoctorReport> {
  const [examined, rewritten] = await Promise.all([
    Promise.all(zones.map(zone => examine(zone, deps))),
    ask(deps.resolver, `${randomLabel(deps.random)}.com`),
  ]);
  const reports: ZoneReport[] = examined.map(({ report }) => report);
  for (const { zone, why } of dead)
    reports.push({
      zone: zone.name,
      ok: false,
      verdict: 'dead',
      detail: `since ${why.year}: ${why.reason}`,
      advice: advice.dead,
    });
  const resolver = examineResolver(
    deps.servers,
    rewritten,
    examined.map(({ listed }) => listed),
  );
  return { ok: resolver.ok && reports.every(({ ok }) => ok), resolver, zones: reports };
}

interface Examined {
  readonly report: ZoneReport;
  /** The answer for 127.0.0.2. */
  readonly listed: Answer;
}

async function examine(zone: Zone, { resolver, clock, random }: DoctorDeps): Promise<Examined> {
  const begun = clock.monotonic();
  const both = (of: 4 | 6): Promise<[Answer, Answer]> =>
    Promise.all([
      ask(resolver, zone.queryName(testEntries[of].listed.labels)),
      ask(resolver, zone.queryName(testEntries[of].unlisted.labels)),
    ]);
  const [{ answers, milliseconds }, six, wild] = await Promise.all([
    both(4).then(given => ({ answers: given, milliseconds: clock.monotonic() - begun })),
    both(6),
    ask(resolver, zone.queryName(randomLabel(random))),
  ]);
  const ipv4 = family(zone, judge(answers, 4), answers);
  const ipv6 = familySix(zone, judge(six, 6), six, ipv4);
  const facts = { zone: zone.name, ipv4, ipv6, random: words(zone, wild), milliseconds };
  return { report: { ...facts, ...conclude(zone, ipv4, ipv6, wild) }, listed: answers[0] };
}

/** Past the cache: an examination wants to know what is, not what was. */
async function ask(resolver: Resolver, name: string): Promise<Answer> {
  return await resolver.resolve(name, 'A', { bypassCache: true });
}

function family(zone: Zone, result: TestResult, [listed, unlisted]: readonly [Answer, Answer]): FamilyReport {
  const answers = { listed: words(zone, listed), unlisted: words(zone, unlisted) };
  if (result.verdict === 'good') return { ...answers, verdict: 'good' };
  return { ...answers, verdict: result.cause, ...(result.detail && { detail: zone.mask(result.detail) }) };
}

/** As the daemon sees it: the IPv6 test entry of a list that is well may be missing, unless IPv6 was promised. */
function familySix(
  zone: Zone,
  result: TestResult,
  answers: readonly [Answer, Answer],
  ipv4: FamilyReport,
): FamilyReport {
  const report = family(zone, result, answers);
  const { listed, unlisted } = report;
  if (zone.ipv6 === false) return { listed, unlisted, verdict: 'not-asked' };
  const excused = zone.ipv6 === 'auto' && ipv4.verdict === 'good' && report.verdict === 'blind';
  return excused ? { listed, unlisted, verdict: 'unproven' } : report;
}

function conclude(
  zone: Zone,
  ipv4: FamilyReport,
  ipv6: FamilyReport,
  wild: Answer,
): Pick<ZoneReport, 'ok' | 'verdict' | 'detail' | 'advice'> {
  const bad = (verdict: Finding, detail: string | undefined): ReturnType<typeof conclude> => {
    return { ok: false, verdict, ...(detail && { detail }), advice: advice[verdict] };
  };
  for (const report of [ipv4, ipv6]) {
    if (report.verdict === 'good' || report.verdict === 'not-asked' || report.verdict === 'unproven') continue;
    if (report.verdict === 'blind' && !zone.selfTest) continue;
    return bad(report.verdict, report.detail);
  }
  if (wild.status === 'records') return bad('wildcard', `a name at random is answered with ${wild.records.join(' ')}`);
  if (ipv4.verdict === 'blind')
    return { ok: true, verdict: 'no-test-entries', detail: 'it answers; whether it lists anything can not be told' };
  return { ok: true, verdict: 'ok' };
}

function examineResolver(
  servers: readonly ServerAddress[],
  rewritten: Answer,
  listed: readonly Answer[],
): ResolverReport {
  const publicServers = servers.flatMap(server => {
    const operator = publicOperator(server);
    return operator === undefined ? [] : [`${formatServer(server)} (${operator})`];
  });
  const rewritesNxdomain = rewritten.status === 'failed' ? null : rewritten.status === 'records';
  const stripped = listed.some(({ status }) => status === 'nodata');
  const kept = listed.some(({ status }) => status === 'records');
  const stripsLoopback = stripped || (kept ? false : null);
  const absent = rewritten.status === 'failed' && rewritten.cause === 'refused-connection';
  const advices = [
    ...(publicServers.length > 0 ? [resolverAdvice.public] : []),
    ...(rewritesNxdomain ? [resolverAdvice.rewrites] : []),
    ...(stripped ? [resolverAdvice.strips] : []),
    ...(rewritten.status === 'failed' ? [`${resolverAdvice.silent} (${rewritten.cause})`] : []),
  ];
  const ok = !rewritesNxdomain && !stripped && !absent;
  return { ok, servers: servers.map(formatServer), publicServers, rewritesNxdomain, stripsLoopback, advice: advices };
}

/** An answer in a word or a few. */
function words(zone: Zone, answer: Answer): string {
  switch (answer.status) {
    case 'failed':
      return answer.cause;
    case 'nxdomain':
      return 'NXDOMAIN';
    case 'nodata':
      return 'no address';
    case 'records':
      return zone.mask(answer.records.join(' '));
  }
}

/** Sixteen letters that nobody has registered. */
function randomLabel(random: () => number): string {
  return Array.from({ length: 16 }, () => 'bcdfghjklmnpqrstvwxz'[Math.floor(random() * 20)]).join('');
}

const unreachable =
  'the list or its name servers do not answer your resolver: try again later, and remove the zone if it stays so';
const foreign =
  'the domain is parked, or your resolver invents answers: make sure of the zone name, else remove the zone';

const advice: Readonly<Record<Finding, string>> = {
  dead: 'remove the zone from the configuration',
  wildcard: 'the zone answers every question: remove it, it would list everyone',
  'lists-the-world': 'remove the zone: it would list everyone',
  blind:
    'make sure of the zone name; if the list has no test entries mark it so (selfTest: false); if the resolver takes answers in 127.0.0.0/8 away, exempt the zone there',
  'error-answer': 'do what the detail says; until then the list has no say',
  refusal: 'the list does not serve you: ask it through a resolver of your own, or register with it',
  'foreign-answer': foreign,
  'zone-gone': 'the domain is gone: make sure of the zone name, else remove the zone',
  alias: foreign,
  'no-test-entries': 'nothing to do',
  timeout: unreachable,
  servfail: unreachable,
  refused: unreachable,
  rcode: unreachable,
  malformed: unreachable,
  truncated: unreachable,
  unreachable,
  'refused-connection': 'no DNS server listens there: start it, or name another with --resolver',
  'breaker-open': 'your DNS server does not answer: start it, or name another with --resolver',
  'queue-full': 'too many questions at once: try again',
  aborted: 'try again',
  untested: 'try again',
  'too-slow': unreachable,
  deadline: unreachable,
};

const resolverAdvice = {
  public: 'a public resolver: most lists refuse it; run a resolver of your own, such as unbound on 127.0.0.1',
  rewrites: 'it gives answers for names that do not exist: blocklists can not be used through it; use another resolver',
  strips:
    'it takes answers in 127.0.0.0/8 away: in unbound drop private-address: 127.0.0.0/8 or set private-domain for each zone, in dnsmasq set rebind-domain-ok',
  silent: 'it could not be found out whether it gives answers for names that do not exist',
} as const;
