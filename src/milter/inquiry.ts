/**
 * Asking the filter: calls a stage's handler and makes one verdict of whatever it does, answer now or later, answer
 * something impossible, throw, or take too long. At most one question is open at a time.
 */
import type { MessageContext } from './context.ts';
import type { EditList } from './edits.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { AnyHandler, StagePlan } from './plan.ts';
import { isThenable } from './thenable.ts';
import { isLegal, proceed, type Verdict } from './verdict.ts';

/** The question under way; a new object for each, so that a late answer is told from a current one. */
interface Question {
  readonly stage: StagePlan;
  readonly edits: EditList | undefined;
}

export class Inquiry {
  readonly #lives: Lifecycle;
  readonly #answered: (stage: StagePlan, verdict: Verdict, edits: EditList | undefined) => void;
  #open: Question | undefined;
  /** What `onError` said about a listening handler that failed: the answer at the next stage that has one. */
  #held: { readonly verdict: Verdict; readonly about: object } | undefined;

  /** @param answered takes the verdicts that come later than `ask` returns. */
  constructor(lives: Lifecycle, answered: (stage: StagePlan, verdict: Verdict, edits: EditList | undefined) => void) {
    this.#lives = lives;
    this.#answered = answered;
  }

  /** Whether a handler has not answered yet. */
  get open(): boolean {
    return this.#open !== undefined;
  }

  /** The verdict, or undefined if it comes later. A handler that fails loses its edits. */
  ask(stage: StagePlan, args: readonly unknown[], edits: EditList | undefined): Verdict | undefined {
    if (stage.noReply) {
      if (stage.run !== undefined) this.#listen(stage, stage.run, args);
      return proceed;
    }
    if (this.#held !== undefined) {
      const { verdict, about } = this.#held;
      this.#held = undefined;
      if (about === this.#lives.message || about === this.#lives.connection) return verdict;
    }
    return stage.run === undefined ? proceed : this.#consult(stage, stage.run, args, edits);
  }

  /** The handler under way has had its time. */
  expire(): void {
    const question = this.#open;
    if (question === undefined) return;
    const { stage, edits } = question;
    this.#open = undefined;
    this.#answered(stage, this.failed(stage, new Error(`no verdict in time at ${stage.stage}`), edits), edits);
  }

  /** Nobody waits for the open question's answer any more. */
  drop(): void {
    this.#open = undefined;
  }

  /** A handler or what prepares for it failed: the verdict to give instead. */
  failed(stage: StagePlan, error: unknown, edits?: EditList): Verdict {
    edits?.clear();
    const { connection, message } = this.#lives;
    if (connection === undefined) return proceed;
    const verdict = this.#lives.failed(error, stage.stage, connection, message);
    if (!stage.noReply) return verdict;
    this.#held = { verdict, about: message ?? connection };
    return proceed;
  }

  #consult(
    stage: StagePlan,
    run: AnyHandler,
    args: readonly unknown[],
    edits: EditList | undefined,
  ): Verdict | undefined {
    let given: unknown;
    try {
      given = edits === undefined ? run(...args) : run(...args, edits);
    } catch (error) {
      return this.failed(stage, error, edits);
    }
    if (!isThenable(given)) return this.#checked(stage, given, edits);
    const question = { stage, edits };
    this.#open = question;
    Promise.resolve(given).then(
      answer => {
        if (this.#open !== question) return;
        this.#open = undefined;
        this.#answered(stage, this.#checked(stage, answer, edits), edits);
      },
      error => {
        if (this.#open !== question) return;
        this.#open = undefined;
        this.#answered(stage, this.failed(stage, error, edits), edits);
      },
    );
    return undefined;
  }

  #checked(stage: StagePlan, given: unknown, edits: EditList | undefined): Verdict {
    if (isLegal(given, stage.stage)) return given;
    const found = given === undefined ? 'nothing (a return is missing)' : `no verdict for stage ${stage.stage}`;
    return this.failed(stage, new TypeError(`handler ${stage.stage} answered ${found}`), edits);
  }

  #listen(stage: StagePlan, run: AnyHandler, args: readonly unknown[]): void {
    try {
      const result = run(...args);
      if (isThenable(result)) this.#listenOn(stage, result);
    } catch (error) {
      this.failed(stage, error);
    }
  }

  /** A listener that is not done: if it fails, its connection or message may be over by then. */
  #listenOn(stage: StagePlan, result: PromiseLike<unknown>): void {
    const { connection, message } = this.#lives;
    if (connection === undefined) return;
    const about: object = message ?? connection;
    result.then(undefined, error => {
      const verdict = this.#lives.failed(error, stage.stage, connection, message as MessageContext | undefined);
      this.#held = { verdict, about };
    });
  }
}
