/**
 * From a DNS answer to a vote. Lists answer in 127.0.0.0/8 (RFC 5782 §2.1); everything else that comes back under a list's
 * name (errors, parked domains, captive resolvers) is no listing, and an unsure answer abstains.
 */
import type { Answer } from '../dns/resolver.ts';
import { errorAnswer } from './error-codes.ts';
import { matches } from './filter.ts';
import type { Abstain, AbstainCause, Vote } from './vote.ts';
import type { Rule } from './zone.ts';

const clear: Vote = { vote: 'clear' };

/** The vote that an answer to an A question means under these rules. Without rules every answer of the list counts. */
export function classify(answer: Answer, rules: readonly Rule[]): Vote {
  switch (answer.status) {
    case 'failed':
      return abstain(answer.cause);
    case 'nxdomain':
    case 'nodata':
      if (answer.cname) return abstain('alias', 'the name is an alias that leads to no answer');
      if (answer.soaOwner !== undefined && isTopLevel(answer.soaOwner))
        return abstain('zone-gone', "the list's domain does not exist any more");
      return clear;
    case 'records':
      return classifyRecords(answer.records, answer.cname, rules);
  }
}

function classifyRecords(records: readonly string[], cname: boolean, rules: readonly Rule[]): Vote {
  const answers = records.map(parseOctets);
  if (answers.length === 0) return cname ? abstain('alias', 'the name is an alias that leads to no answer') : clear;
  let foreign: string | undefined;
  for (const [index, octets] of answers.entries()) {
    const record = records[index] ?? '';
    if (!octets) return abstain('malformed', 'the answer holds no IPv4 address');
    if (octets[0] !== 127) {
      foreign ??= record;
      continue;
    }
    const error = errorAnswer(octets);
    if (error) return abstain(isReserved(octets) ? 'error-answer' : 'refusal', `${record}: ${error}`);
    if ((octets[3] ?? 0) & 1 && rules.some(({ filter }) => filter?.kind === 'mask'))
      return abstain('refusal', `${record}: bit 1 of a bitmask list means that it refuses your resolver`);
  }
  if (foreign !== undefined)
    return abstain('foreign-answer', `${foreign} is outside 127.0.0.0/8: parked domain or rewriting resolver`);
  return applyRules(records, answers as readonly (readonly number[])[], rules);
}

function applyRules(records: readonly string[], answers: readonly (readonly number[])[], rules: readonly Rule[]): Vote {
  if (rules.length === 0) return { vote: 'listed', codes: records, score: 0 };
  const codes = new Set<string>();
  let score = 0;
  for (const { filter, weight } of rules) {
    const matching = records.filter((_, index) => !filter || matches(filter, answers[index]!));
    if (matching.length === 0) continue;
    score += weight; // once a rule, however many answers match it
    for (const record of matching) codes.add(record);
  }
  return codes.size > 0 ? { vote: 'listed', codes: [...codes], score } : clear;
}

function abstain(cause: AbstainCause, detail?: string): Abstain {
  return detail === undefined ? { vote: 'abstain', cause } : { vote: 'abstain', cause, detail };
}

/** 127.255.255.0/24, which holds nothing but errors. */
function isReserved(octets: readonly number[]): boolean {
  return octets[1] === 255 && octets[2] === 255;
}

/** Whether a name is the root or one label: no list lives there, so the list's own domain is gone. */
function isTopLevel(owner: string): boolean {
  return !owner.replace(/\.$/, '').includes('.');
}

function parseOctets(record: string): readonly number[] | undefined {
  const octets = record.split('.');
  if (octets.length !== 4 || !octets.every(octet => /^\d{1,3}$/.test(octet) && Number(octet) <= 255)) return undefined;
  return octets.map(Number);
}
