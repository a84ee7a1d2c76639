/**
 * The rule book: all rules, compiled. It asks those that could hold, in order, and the first that holds and has an ending has
 * the word. Rules with headers only, and monitored ones, leave theirs on the way.
 *
 * What can't be found out is neither here nor there: the rule is passed over. But if it might have spared the recipient, which is
 * any ending but a rejection, this recipient gets no 5xx any more, from these rules or from any check behind them.
 */
import type { Advice } from '../advice.ts';
import type { Settled } from '../check.ts';
import { nameSubject } from '../client-name.ts';
import type { Envelope, Session } from '../envelope.ts';
import { type Question, questionOf } from '../question.ts';
import type { Accept, Defer, Fields, Header, Reject, RejectReason } from '../verdict.ts';
import type { Action } from './action.ts';
import type { Evidence } from './evidence.ts';
import type { Needs } from './needs.ts';
import type { RuleIndex } from './rule-index.ts';
import { has, type Tables } from './tests.ts';
import type { Test, Truth } from './truth.ts';

export interface CompiledRule {
  readonly test: Test;
  readonly action: Action;
  readonly monitor: boolean;
  /** Whether it is found by the client's address. */
  readonly byClient: boolean;
}

type RuleWord = Accept | Reject | Defer | Advice;

/** How far one question has come. */
interface Walk {
  readonly question: Question;
  readonly evidence: Evidence;
  readonly candidates: readonly number[];
  next: number;
  headers: readonly Header[];
  fields: Fields;
  doubt: boolean;
  withheld: RejectReason | undefined;
}

const noFields: Fields = {};
const noHeaders: readonly Header[] = [];
const open: Settled = { action: 'open' };
/** More than so many rules are not looked through at CONNECT: then the session stays open, which is always right. */
const settlingLimit = 32;

export interface RuleBookParts {
  readonly rules: readonly CompiledRule[];
  readonly index: RuleIndex;
  readonly needs: Needs;
  /** The names that may have to be confirmed. */
  readonly names: Tables;
}

export class RuleBook {
  readonly needs: Needs;
  readonly #names: Tables;
  readonly #rules: readonly CompiledRule[];
  readonly #index: RuleIndex;
  /** Those that can say anything but "accepted", and are not found by address. */
  readonly #notable: readonly number[];
  /** Asked several times at CONNECT: the last answer is kept. */
  #last: { readonly session: Session; readonly settled: Settled | undefined } | undefined;

  constructor({ rules, index, needs, names }: RuleBookParts) {
    this.needs = needs;
    this.#names = names;
    this.#rules = rules;
    this.#index = index;
    this.#notable = rules.flatMap((rule, at) => (rule.byClient || plainOf(rule) !== undefined ? [] : [at]));
  }

  get size(): number {
    return this.#rules.length;
  }

  /** Whether the client goes by a name that some rule would want confirmed. */
  mayAskName(session: Session): boolean {
    const name = this.#names.length === 0 ? undefined : nameSubject(session);
    return name !== undefined && has(this.#names, name);
  }

  /** What the rules say; undefined: nothing. */
  judge(envelope: Envelope, evidence: Evidence): RuleWord | undefined | Promise<RuleWord | undefined> {
    const question = questionOf(envelope);
    const candidates = this.#index.candidates(question);
    if (candidates.length === 0) return undefined;
    return this.#walk({
      question,
      evidence,
      candidates,
      next: 0,
      headers: noHeaders,
      fields: noFields,
      doubt: false,
      withheld: undefined,
    });
  }

  /** What the client's address alone settles. */
  settles(session: Session): Settled | undefined {
    if (this.#last?.session !== session) this.#last = { session, settled: this.#settle(session) };
    return this.#last.settled;
  }

  #settle(session: Session): Settled | undefined {
    const found = this.#index.at(session.address);
    const order = found.length === 0 ? this.#notable : merge(found, this.#notable);
    for (const at of order.slice(0, settlingLimit)) {
      const rule = this.#rules[at] as CompiledRule;
      const truth = rule.test.settles(session);
      if (truth === false) continue;
      const plain = plainOf(rule);
      if (plain !== undefined) {
        if (truth === true) return plain;
      } else if (truth === true && rule.action.ending === 'reject' && !rule.monitor) {
        return { action: 'reject' };
      } else return open;
    }
    return order.length > settlingLimit ? open : undefined;
  }

  #walk(walk: Walk): RuleWord | undefined | Promise<RuleWord | undefined> {
    while (walk.next < walk.candidates.length) {
      const rule = this.#rules[walk.candidates[walk.next++] as number] as CompiledRule;
      const truth = rule.test.holds(walk.question, walk.evidence);
      if (typeof truth === 'object') return truth.then(late => weigh(walk, rule, late) ?? this.#walk(walk));
      const word = weigh(walk, rule, truth);
      if (word !== undefined) return word;
    }
    return remains(walk);
  }
}

/** The last word, if the rule has it. */
function weigh(walk: Walk, { action, monitor }: CompiledRule, truth: Truth): RuleWord | undefined {
  if (truth === false) return undefined;
  if (truth === undefined) {
    if (monitor || action.ending === undefined) return undefined;
    if (action.ending === 'reject') {
      walk.fields = { ...walk.fields, undecided: join(walk.fields.undecided, action.fields.rule) };
      return undefined;
    }
    walk.doubt = true;
    walk.fields = { ...walk.fields, doubt: join(walk.fields.doubt, action.fields.rule) };
    return undefined;
  }
  if (monitor) {
    walk.fields = { ...walk.fields, would: join(walk.fields.would, action.would) };
    return undefined;
  }
  const { envelope } = walk.question;
  if (action.headers !== undefined) walk.headers = [...walk.headers, ...action.headers(envelope)];
  if (action.ending === 'reject' && walk.doubt) {
    walk.withheld ??= 'rule';
    return undefined;
  }
  const word = action.word?.(envelope);
  if (word === undefined) {
    walk.fields = { ...walk.fields, ...action.fields };
    return undefined;
  }
  return complete(walk, word);
}

/** The word, with what was left on the way. */
function complete({ fields, headers, doubt, withheld }: Walk, word: RuleWord): RuleWord {
  if (fields === noFields && headers === noHeaders) return word;
  const all = { ...word, fields: { ...fields, ...word.fields } };
  if (all.action === 'reject' || all.action === 'defer') return all;
  if (all.action === 'accept') return { ...all, headers };
  return { ...all, headers, ...(doubt && { doubt }), ...(withheld && { withheld }) };
}

/** What is left where no rule had the last word. */
function remains({ fields, headers, doubt, withheld }: Walk): Advice | undefined {
  if (fields === noFields && headers === noHeaders) return undefined;
  return { action: 'advise', fields, headers, ...(doubt && { doubt }), ...(withheld && { withheld }) };
}

/** The acceptance, if nothing else can come of it. */
function plainOf({ action, monitor }: CompiledRule): Accept | undefined {
  return monitor ? undefined : action.plain;
}

/** A name server that fails may leave a thousand rules undecided: the first ones are told. */
const longestList = 200;

function join(before: string | undefined, more: string | undefined): string {
  if (before === undefined) return more ?? '';
  if (before.length > longestList) return before.endsWith('…') ? before : `${before}, …`;
  return `${before}, ${more}`;
}

function merge(one: readonly number[], other: readonly number[]): readonly number[] {
  return [...new Set([...one, ...other])].sort((a, b) => a - b);
}
