/**
 * The tests behind the conditions, one maker each.
 */
import { stakeOf } from '../../dnsbl/ballot.ts';
import type { Result } from '../../dnsbl/result.ts';
import type { Pattern } from '../../lists/pattern.ts';
import type { PatternTable } from '../../lists/pattern-table.ts';
import { type Subject, WordSubject } from '../../lists/subject.ts';
import type { PrefixLookup } from '../../net/prefix-table.ts';
import type { SpfResult } from '../../spf/spf.ts';
import type { Envelope, Session } from '../envelope.ts';
import type { Question } from '../question.ts';
import type { Evidence } from './evidence.ts';
import type { DnsblCondition } from './rule.ts';
import { isWithin, type TimeSpan } from './time-span.ts';
import { type Test, type Truth, testOf } from './truth.ts';

/** Any of these tables. */
export type Tables = readonly PatternTable<NonNullable<unknown>>[];

export function clientTest(tables: readonly PrefixLookup<NonNullable<unknown>>[]): Test {
  const holds = ({ address }: Session): boolean =>
    address !== undefined && tables.some(table => table.find(address) !== undefined);
  return { cost: 0, holds: ({ envelope }) => holds(envelope.session), settles: holds };
}

/** A part of the question, one of the patterns' subjects. */
export function patternTest(cost: 0 | 1, tables: Tables, subject: (question: Question) => Subject | undefined): Test {
  return testOf(cost, question => {
    const part = subject(question);
    return part !== undefined && has(tables, part);
  });
}

/**
 * The client's name. Only who goes by a name that matches is asked whether it is its own. `careful`: a rule may
 * refuse for want of the name; so a client that may have one is not taken for nameless.
 */
export function nameTest(tables: Tables, unverified: boolean, careful: boolean): Test {
  return testOf(unverified && !careful ? 1 : 2, (question, evidence) => {
    const { name } = question;
    const { session } = question.envelope;
    if (name === undefined) {
      if (question.nameUnknown) return undefined;
      if (!careful || !question.nameUnexplained) return false;
      return evidence.names.isNameless(session).then(certain => (certain ? false : undefined));
    }
    if (!has(tables, name)) return false;
    if (unverified) return true;
    const standing = evidence.names.standing(session);
    return typeof standing === 'object' ? standing.then(isConfirmed) : isConfirmed(standing);
  });
}

function isConfirmed(standing: Awaited<ReturnType<Evidence['names']['standing']>>): Truth {
  return standing === 'unknown' ? undefined : standing === 'confirmed';
}

export function authTest(wanted: boolean): Test {
  return testOf(0, ({ envelope }) => (envelope.authenticated !== undefined) === wanted);
}

/** Set, and not empty, or neither. */
export function macroTest(name: string, wanted: boolean): Test {
  return testOf(0, ({ envelope }) => {
    const value = envelope.macros.get(name);
    return isUnknown(envelope, name, value) ? undefined : ((value ?? '') !== '') === wanted;
  });
}

export function macroValueTest(name: string, tables: Tables): Test {
  return testOf(1, ({ envelope }) => {
    const value = envelope.macros.get(name);
    if (isUnknown(envelope, name, value)) return undefined;
    return value !== undefined && has(tables, new WordSubject(value));
  });
}

/** Whether nobody asked for the macro: the connection was open before there was a rule about it. */
function isUnknown({ macros }: Envelope, name: string, value: string | undefined): boolean {
  return value === undefined && macros.isAsked?.(name) === false;
}

/** The macro is a number of at least so much. */
export function macroNumberTest(name: string, least: number): Test {
  return testOf(0, ({ envelope }) => {
    const value = envelope.macros.get(name);
    return isUnknown(envelope, name, value) ? undefined : Number(value ?? Number.NaN) >= least;
  });
}

export function timeTest(spans: readonly TimeSpan[]): Test {
  return testOf(0, (_question, evidence) => {
    const now = evidence.now();
    return spans.some(span => isWithin(span, now));
  });
}

/**
 * Where SPF is not looked up none of its results holds, or with `careful` nobody knows; a temporary error is no word, unless it
 * is asked for.
 */
export function spfTest(wanted: readonly SpfResult[], careful: boolean): Test {
  const among = (result: SpfResult): Truth =>
    wanted.includes(result) ? true : result === 'temperror' ? undefined : false;
  return testOf(2, ({ envelope }, evidence) => {
    const result = evidence.spf(envelope);
    if (result === undefined) return careful ? undefined : false;
    return typeof result === 'object' ? result.then(among) : among(result);
  });
}

/** Of clients that the blocklists are not asked about nothing holds, or with `careful` nobody knows. */
export function dnsblTest(condition: DnsblCondition, careful: boolean): Test {
  return testOf(2, ({ envelope }, evidence) => {
    const result = evidence.ballot(envelope);
    if (result === undefined) return careful ? undefined : false;
    return 'then' in result ? result.then(late => judgeBallot(condition, late)) : judgeBallot(condition, result);
  });
}

/** Whether a ballot says so. What abstaining zones might have said is not known, unless it makes no difference. */
function judgeBallot({ outcomes, zones, listings, score }: DnsblCondition, result: Result): Truth {
  const truths: Truth[] = outcomes.map(outcome =>
    result.outcome === 'unknown' ? undefined : result.outcome === outcome,
  );
  for (const zone of zones) {
    const vote = result.words.find(word => word.zone.name === zone)?.vote;
    truths.push(vote === undefined || vote.vote === 'abstain' ? undefined : vote.vote === 'listed');
  }
  if (listings !== undefined) truths.push(reaches(result, listings, false));
  if (score !== undefined) truths.push(reaches(result, score, true));
  if (truths.includes(true)) return true;
  return truths.includes(undefined) ? undefined : false;
}

function reaches({ words }: Result, wanted: number, weighed: boolean): Truth {
  const policy = weighed ? { score: wanted } : { atLeast: wanted };
  let least = 0;
  let most = 0;
  for (const { zone, vote } of words) {
    if (vote === undefined || vote.vote === 'abstain') {
      const { min, max } = stakeOf(policy, zone.rules);
      least += min;
      most += max;
    } else if (vote.vote === 'listed') {
      least += weighed ? vote.score : 1;
      most += weighed ? vote.score : 1;
    }
  }
  if (least >= wanted) return true;
  return most < wanted ? false : undefined;
}

export function has(tables: Tables, subject: Subject): boolean {
  for (const table of tables) if (table.find(subject) !== undefined) return true;
  return false;
}

/** 1 if there is a regular expression among them. */
export function costOf(patterns: readonly Pattern[]): 0 | 1 {
  return patterns.some(pattern => typeof pattern !== 'string') ? 1 : 0;
}
