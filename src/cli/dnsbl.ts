/**
 * `milter-greylist dnsbl`: asks the blocklists about addresses, or checks the lists themselves, without a running daemon.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { ServerAddress } from '../dns/servers.ts';
import type { Policy } from '../dnsbl/ballot.ts';
import { checkBlocklists, createBlocklists } from '../dnsbl/blocklists.ts';
import type { Zone, ZoneOptions } from '../dnsbl/zone.ts';
import type { Logger } from '../log/logger.ts';
import type { Address } from '../net/address.ts';
import { checkUp, type DoctorReport } from './dnsbl-doctor.ts';
import { type AddressReport, lookUp } from './dnsbl-lookup.ts';
import { renderDoctor, renderLookup } from './dnsbl-text.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface DnsblOptions {
  readonly zones: readonly (string | ZoneOptions | Zone)[];
  readonly policy: Policy;
  /** Machine-readable output. */
  readonly json?: boolean;
}

export interface DnsblDeps {
  readonly resolver: Resolver;
  /** Those that the resolver asks. */
  readonly servers: readonly ServerAddress[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
  /** For what is said besides the report, such as that a zone is dead. */
  readonly log: Logger;
}

/** What to print on standard output, and how to exit. */
export interface DnsblOutput {
  readonly text: string;
  readonly exitCode: ExitCode;
}

/** What the zones say of each address, after their self-tests. Throws `ZoneError` before anything is asked. */
export async function dnsblLookup(
  addresses: readonly Address[],
  options: DnsblOptions,
  deps: DnsblDeps,
): Promise<DnsblOutput> {
  const lists = createBlocklists(options, deps);
  const reports: AddressReport[] = [];
  try {
    await lists.start();
    for (const address of addresses) reports.push(await lookUp(address, options.policy, lists, deps));
  } finally {
    lists.stop();
  }
  const text = options.json
    ? `${JSON.stringify(reports, null, 2)}\n`
    : reports.map(report => renderLookup(report, describePolicy(options.policy))).join('\n');
  return { text, exitCode: EXIT.ok };
}

/** The doctor. Exits with 69 unless every zone and the resolver can be used. Throws `ZoneError` before anything is asked. */
export async function dnsblCheckUp(options: DnsblOptions, deps: DnsblDeps): Promise<DnsblOutput> {
  const report: DoctorReport = await checkUp(checkBlocklists(options), deps);
  const text = options.json ? `${JSON.stringify(report, null, 2)}\n` : renderDoctor(report);
  return { text, exitCode: report.ok ? EXIT.ok : EXIT.unavailable };
}

function describePolicy(policy: Policy): string {
  if (typeof policy === 'string') return policy;
  return 'score' in policy ? `score ${policy.score}` : `at least ${policy.atLeast}`;
}
