/**
 * The chain: asks the checks in order, and the first verdict ends it; advice is gathered on the way. The failure rule lives
 * here: a check that throws, rejects or outlives its deadline gives no word, and if it could have accepted, this recipient gets
 * no 5xx any more. Only when the greylist, which comes last, fails as well, or the time is up, the recipient is decided by a
 * fault.
 *
 * As long as the checks answer synchronously so does the chain: a promise costs more than all of them together.
 */
import type { Clock, Timers } from '../clock.ts';
import { type Advice, type Advised, combine, noAdvice } from './advice.ts';
import type { Check, Word } from './check.ts';
import type { GreylistCheck } from './checks/greylist.ts';
import { within } from './deadline.ts';
import type { Decision } from './decision.ts';
import type { Envelope } from './envelope.ts';
import type { FaultEffect, Faults } from './faults.ts';
import type { RejectReason, Verdict } from './verdict.ts';

/** Is told what each check said, or how it failed, in the order in which they were asked. */
export type Witness = (check: Check, word: Word, failure?: unknown) => void;

/** Milliseconds for the whole chain. Sendmail waits 10 s for an answer at RCPT and the milter library gives us 8. */
const chainLimit = 7_000;
/** Milliseconds for a check that does not say. */
export const defaultDeadline = 3_000;

export interface ChainParts {
  readonly checks: readonly Check[];
  readonly greylist: GreylistCheck;
  /** The verdict when the greylist has failed. */
  readonly fault: (envelope: Envelope) => Verdict;
  readonly faultEffect: FaultEffect;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly faults: Faults;
}

/** How far one recipient has come. */
interface Walk {
  readonly envelope: Envelope;
  readonly started: number;
  asked: number;
  failed: readonly string[];
  mayReject: boolean;
  advised: Advised;
  /** Where the greylist stands: a check has handed the recipient to it, and those in between may only advise. */
  handed: boolean;
  withheld: RejectReason | undefined;
  readonly witness: Witness | undefined;
}

const nothing: readonly string[] = [];
const noFields: Decision['fields'] = {};

export class Chain {
  readonly #parts: ChainParts;
  /** All, the greylist last. */
  readonly checks: readonly Check[];
  readonly #hasLogFields: boolean;

  constructor(parts: ChainParts) {
    this.#parts = parts;
    this.checks = [...parts.checks, parts.greylist];
    this.#hasLogFields = this.checks.some(check => check.logFields !== undefined);
  }

  decide(envelope: Envelope, witness?: Witness): Decision | Promise<Decision> {
    const started = this.#parts.clock.monotonic();
    return this.#walk({
      envelope,
      started,
      asked: 0,
      failed: nothing,
      mayReject: true,
      withheld: undefined,
      advised: noAdvice,
      handed: false,
      witness,
    });
  }

  #walk(walk: Walk): Decision | Promise<Decision> {
    for (let check = this.checks[walk.asked]; check !== undefined; check = this.checks[walk.asked]) {
      walk.asked++;
      if (walk.handed && check !== this.#parts.greylist && check.advisory !== true) continue;
      try {
        const word = check.run(walk.envelope, walk.advised.terms);
        if (word !== undefined && 'then' in word) return this.#wait(walk, check, word);
        walk.witness?.(check, word);
        if (word === undefined) continue;
        if (word.action === 'advise') this.#take(walk, word);
        else if (this.#heeds(walk, word)) return this.#end(walk, check.name, word);
      } catch (error) {
        this.#fail(walk, check, error);
      }
    }
    return this.#end(walk, this.#parts.greylist.name, this.#parts.fault(walk.envelope));
  }

  async #wait(walk: Walk, check: Check, promise: Promise<Word>): Promise<Decision> {
    const { clock, timers, greylist } = this.#parts;
    const left = walk.started + chainLimit - clock.monotonic();
    try {
      const word = await within(promise, Math.min(check.deadline ?? defaultDeadline, left), timers);
      walk.witness?.(check, word);
      if (word?.action === 'advise') this.#take(walk, word);
      else if (word !== undefined && this.#heeds(walk, word)) return this.#end(walk, check.name, word);
    } catch (error) {
      this.#fail(walk, check, error);
    }
    if (clock.monotonic() - walk.started < chainLimit) return this.#walk(walk);
    if (check !== greylist) this.#fail(walk, greylist, new Error(`no time was left after check ${check.name}`));
    return this.#end(walk, greylist.name, this.#parts.fault(walk.envelope));
  }

  #take(walk: Walk, advice: Advice): void {
    walk.advised = combine(walk.advised, advice);
    if (advice.doubt === true) walk.mayReject = false;
    walk.withheld ??= advice.withheld;
    if (advice.next === 'greylist') walk.handed = true;
  }

  /** Whether the verdict holds. A rejection does not, if a fault may have swallowed an acceptance. @throws TypeError for none */
  #heeds(walk: Walk, verdict: Verdict): boolean {
    if (!isVerdict(verdict)) throw new TypeError('what it said is no verdict, no advice and not undefined');
    if (verdict.action !== 'reject' || walk.mayReject) return true;
    walk.withheld ??= verdict.reason;
    return false;
  }

  #fail(walk: Walk, check: Check, error: unknown): void {
    const { greylist, faultEffect, faults } = this.#parts;
    faults.report(check.name, check === greylist ? faultEffect : 'no-word', error);
    walk.witness?.(check, undefined, error);
    walk.failed = [...walk.failed, check.name];
    if (check.canAccept) walk.mayReject = false;
  }

  #end({ envelope, started, asked, failed, withheld, advised }: Walk, check: string, verdict: Verdict): Decision {
    const own = this.#hasLogFields ? this.#logFields(envelope, asked) : noFields;
    const plain = advised === noAdvice && verdict.fields === undefined;
    const fields = plain ? own : { ...own, ...advised.fields, ...verdict.fields };
    const headers = verdict.action === 'accept' ? verdict.headers : undefined;
    const all = headers === undefined ? advised : combine(advised, { action: 'advise', headers });
    const elapsed = this.#parts.clock.monotonic() - started;
    return { envelope, verdict, check, elapsed, failed, withheld, advised: all, fields };
  }

  #logFields({ session }: Envelope, asked: number): Decision['fields'] {
    const fields: Record<string, string | undefined> = {};
    for (const check of this.checks.slice(0, asked)) {
      try {
        Object.assign(fields, check.logFields?.(session));
      } catch (error) {
        this.#parts.faults.report(check.name, 'no-log-fields', error);
      }
    }
    return fields;
  }
}

const actions: ReadonlySet<unknown> = new Set<Verdict['action']>(['accept', 'greylist', 'defer', 'reject']);

/** Checks of users need not have seen a compiler. */
function isVerdict(verdict: Verdict): boolean {
  return actions.has(verdict.action) && (verdict.action === 'accept' || typeof verdict.reply?.code === 'number');
}
