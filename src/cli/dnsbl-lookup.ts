/**
 * `milter-greylist dnsbl ADDRESS…`: what each zone says of an address, with its reason in its own words, and what follows under
 * the policy. Every zone is asked, also those that the daemon would have spared.
 */
import type { Clock } from '../clock.ts';
import type { Provenance, Resolver } from '../dns/resolver.ts';
import { finalOutcome, type Outcome, type Policy, stakeOf } from '../dnsbl/ballot.ts';
import type { Blocklists } from '../dnsbl/blocklists.ts';
import { classify } from '../dnsbl/classify.ts';
import { reversedLabels } from '../dnsbl/query-name.ts';
import type { Vote } from '../dnsbl/vote.ts';
import type { Zone } from '../dnsbl/zone.ts';
import type { Address } from '../net/address.ts';
import { classify as addressClass, mayLookUp } from '../net/address-class.ts';

export interface LookupDeps {
  readonly resolver: Resolver;
  readonly clock: Clock;
}

/** What one zone said. */
export interface ZoneWord {
  readonly zone: string;
  /** `not-asked`: it has no say about such addresses. */
  readonly vote: Vote['vote'] | 'not-asked';
  /** The addresses in the answer, with a listing only those that passed a filter. */
  readonly answer: readonly string[];
  /** Why it abstains, or is not asked. */
  readonly cause?: string;
  readonly detail?: string;
  /** The list's own reason (TXT record), if it lists the address and gives one. */
  readonly text?: string;
  /** Milliseconds until the answer; undefined if it was not asked. */
  readonly milliseconds?: number;
  readonly from?: Provenance;
}

export interface AddressReport {
  readonly address: string;
  /** Why nothing was asked about it, such as `private`. */
  readonly skipped?: string;
  readonly outcome: Outcome;
  readonly zones: readonly ZoneWord[];
}

/** Milliseconds for a list's reason: nothing hangs on it. */
const textPatience = 1_000;
const textLimit = 200;

/** Asks about one address. The lists' self-tests have ended, or their zones abstain. */
export async function lookUp(
  address: Address,
  policy: Policy,
  { zones, health }: Pick<Blocklists, 'zones' | 'health'>,
  deps: LookupDeps,
): Promise<AddressReport> {
  if (!mayLookUp(address))
    return { address: address.text, skipped: addressClass(address), outcome: 'clear', zones: [] };
  const votes: { stake: ReturnType<typeof stakeOf>; vote: Vote }[] = [];
  const words = await Promise.all(
    zones.map(async zone => {
      const channel = health.channels(zone)[address.family];
      if (!channel.eligible) return notAsked(zone, address);
      const { standing } = channel;
      const { word, vote } = standing ? silent(zone, standing) : await ask(zone, address, deps);
      votes.push({ stake: stakeOf(policy, zone.rules), vote });
      return word;
    }),
  );
  return { address: address.text, outcome: finalOutcome(policy, votes), zones: words };
}

interface Said {
  readonly word: ZoneWord;
  readonly vote: Vote;
}

async function ask(zone: Zone, address: Address, { resolver, clock }: LookupDeps): Promise<Said> {
  const name = zone.queryName(reversedLabels(address));
  const begun = clock.monotonic();
  const answer = await resolver.resolve(name, 'A');
  const milliseconds = clock.monotonic() - begun;
  const vote = classify(answer, zone.rules);
  const heard = { milliseconds, ...(answer.status === 'failed' ? {} : { from: answer.from }) };
  if (vote.vote === 'abstain') {
    const detail = vote.detail ?? (answer.status === 'failed' ? zone.mask(answer.detail) : undefined);
    const { word } = silent(zone, { ...vote, ...(detail && { detail }) });
    return { vote, word: { ...word, ...heard, answer: answer.status === 'records' ? answer.records : [] } };
  }
  const records = answer.status === 'records' ? answer.records : [];
  const word = { zone: zone.name, vote: vote.vote, answer: vote.vote === 'listed' ? vote.codes : records, ...heard };
  if (vote.vote !== 'listed') return { vote, word };
  const text = await reason(zone, name, resolver);
  return { vote, word: text === undefined ? word : { ...word, text } };
}

/** The list's TXT record, made fit to print: strangers write it. */
async function reason(zone: Zone, name: string, resolver: Resolver): Promise<string | undefined> {
  const answer = await resolver.resolve(name, 'TXT', { timeout: textPatience });
  if (answer.status !== 'records' || answer.records.length === 0) return undefined;
  return zone
    .mask(answer.records.join(' / '))
    .replace(/[^\x20-\x7e]+/g, '?')
    .slice(0, textLimit);
}

function silent(zone: Zone, vote: Extract<Vote, { vote: 'abstain' }>): Said {
  const detail = vote.detail ? { detail: vote.detail } : {};
  return { vote, word: { zone: zone.name, vote: 'abstain', answer: [], cause: vote.cause, ...detail } };
}

function notAsked(zone: Zone, { family }: Address): ZoneWord {
  return { zone: zone.name, vote: 'not-asked', answer: [], cause: `it has no say on IPv${family} addresses` };
}
