/**
 * The milter's side of the protocol, without I/O: bytes in, bytes out through a `Wire`, handlers called in between. One
 * instance serves one connection of an MTA, which may carry several SMTP connections one after the other (QUIT_NC).
 *
 * The golden rule: exactly one final answer to every command that expects one, none to the others, strictly in order. So
 * packets are taken one at a time and the next waits until a pending handler has settled.
 */
import { Command, ProtocolBit, Response, type Stage } from './constants.ts';
import { EditList } from './edits.ts';
import type { Outcome } from './filter.ts';
import { encodeFrame, FrameParser } from './frame-parser.ts';
import { Lifecycle } from './lifecycle.ts';
import { MacroStore } from './macros.ts';
import { decodeOffer, encodeAnswer, type Negotiated, negotiate } from './negotiation.ts';
import { type AnyHandler, type Plan, type StagePlan, withLastChunk } from './plan.ts';
import { ProtocolError } from './protocol-error.ts';
import { Subjects } from './subjects.ts';
import { nextPhase, type Phase } from './transitions.ts';
import { isLegal, isRefusal, outcomeOf, proceed, type Verdict } from './verdict.ts';
import { Watch } from './watch.ts';

/** Where a session's bytes go. */
export interface Wire {
  write(bytes: Uint8Array): void;
  /** The session is over; what was written still goes out. */
  close(): void;
}

/** What sessions share: ids and the monotonic clock in milliseconds. */
export interface SessionEnvironment {
  nextId(): string;
  monotonic(): number;
}

const PROGRESS = encodeFrame(Response.progress);
const NOTHING: Negotiated = { version: 0, actions: 0, protocol: 0 };

export class Session {
  readonly #plan: Plan;
  readonly #wire: Wire;
  readonly #parser: FrameParser;
  readonly #macros = new MacroStore();
  readonly #lives: Lifecycle;
  readonly #subjects: Subjects;
  readonly #watch: Watch;
  #phase: Phase = 'start';
  #negotiated = NOTHING;
  /** A verdict has settled the whole SMTP connection: no handler is asked any more. */
  #settled = false;
  /** What a listening handler threw: answered at the next stage that can. */
  #heldError: { readonly error: unknown } | undefined;
  #out: Uint8Array[] = [];
  /** The handler under way; a new object for each, so that a late answer is told from a current one. */
  #pending: { readonly stage: StagePlan; readonly edits: EditList | undefined } | undefined;
  #closed = false;
  #outOfSequence = false;

  constructor(plan: Plan, wire: Wire, environment: SessionEnvironment) {
    this.#plan = plan;
    this.#wire = wire;
    this.#parser = new FrameParser(plan.packetLimit);
    this.#lives = new Lifecycle(plan);
    this.#subjects = new Subjects(this.#lives, this.#macros, environment.nextId);
    this.#watch = new Watch(plan.timeouts, environment.monotonic);
  }

  /** Received bytes that wait for a handler to settle. */
  get backlog(): number {
    return this.#parser.pending;
  }

  /** Between SMTP connections: closing now harms no one. */
  get idle(): boolean {
    return this.#phase === 'start' || this.#phase === 'open';
  }

  receive(chunk: Buffer): void {
    if (this.#closed) return;
    this.#parser.feed(chunk);
    this.#pump();
  }

  /** The peer is gone, or the daemon stops. */
  disconnect(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pending = undefined;
    this.#endConnection();
    this.#wire.close();
  }

  /** To be called every now and then: enforces the time limits. */
  tick(): void {
    if (this.#closed) return;
    switch (this.#watch.look()) {
      case 'peer':
        this.#fatal(this.#phase === 'start' ? 'no negotiation in time' : 'no complete command in time');
        break;
      case 'handler':
        if (this.#pending !== undefined) {
          const { stage } = this.#pending.stage;
          this.#settle(this.#lives.failed(new Error(`no verdict in time at ${stage}`), stage));
        }
        break;
      case 'progress':
        this.#wire.write(PROGRESS);
        break;
      case 'none':
        break;
    }
  }

  #pump(): void {
    try {
      while (this.#pending === undefined && !this.#closed && this.#parser.read()) this.#dispatch();
    } catch (error) {
      this.#flush();
      // Anything else than a ProtocolError is a state factory that threw: it ends this connection, never the process.
      this.#fatal(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#flush();
    if (this.#pending === undefined) this.#watch.peerBegins(this.#phase === 'start' || this.#parser.pending > 0);
  }

  #flush(): void {
    const out = this.#out;
    if (out.length === 0) return;
    this.#out = [];
    this.#wire.write(out.length === 1 ? (out[0] as Uint8Array) : Buffer.concat(out));
  }

  #fatal(message: string): void {
    this.#plan.options.onProtocolError?.(message, true);
    this.disconnect();
  }

  #dispatch(): void {
    const { command, buffer, start, end } = this.#parser;
    switch (command) {
      case Command.macro:
        this.#macros.put(buffer, start, end);
        return;
      case Command.negotiate:
        if (this.#phase !== 'start') throw new ProtocolError('OPTNEG after the negotiation');
        this.#negotiated = negotiate(decodeOffer(buffer, start, end), this.#plan.wishes);
        this.#out.push(encodeAnswer(this.#negotiated, this.#plan.wishes.macros));
        this.#phase = 'open';
        return;
      case Command.abort:
        this.#macros.clearFrom(Command.mail);
        this.#endMessage('aborted');
        return;
      case Command.quit:
        this.#flush();
        this.disconnect();
        return;
      case Command.quitNewConnection:
        this.#endConnection();
        if (this.#phase !== 'start') this.#phase = 'open';
        return;
      case 0:
        throw new Error('TODO: Not implemented yet');
    }
    const stage = this.#plan.stages[command];
    if (stage === undefined) throw new ProtocolError(`unknown command 0x${command.toString(16).padStart(2, '0')}`);
    if (this.#phase === 'start') throw new ProtocolError(`${stage.stage} before the negotiation`);
    const phase = nextPhase(this.#phase, command);
    if (phase === undefined) {
      this.#answerOutOfSequence(stage);
      return;
    }
    this.#phase = phase;
    this.#macros.arrived(command);
    if (command === Command.connect) this.#settled = false;
    const subject = this.#settled ? undefined : this.#subjects.of(command, buffer, start, end, this.#negotiated);
    if (subject === undefined) this.#answer(stage, proceed);
    else if (command !== Command.endOfMessage || end === start) this.#run(stage, subject);
    else this.#run(withLastChunk(this.#plan, stage, buffer.subarray(start, end)), subject);
  }

  #run(stage: StagePlan, args: readonly unknown[]): void {
    const held = this.#heldError;
    if (held !== undefined && !stage.noReply) {
      this.#heldError = undefined;
      this.#answer(stage, this.#lives.failed(held.error, stage.stage));
    } else if (stage.run === undefined) {
      this.#answer(stage, proceed);
    } else if (stage.noReply) {
      this.#listen(stage.run, args);
      this.#answer(stage, proceed);
    } else {
      this.#consult(stage, stage.run, args);
    }
  }

  #listen(run: AnyHandler, args: readonly unknown[]): void {
    const hold = (error: unknown): void => {
      this.#heldError = { error };
    };
    try {
      const result = run(...args);
      if (isThenable(result)) result.then(undefined, hold);
    } catch (error) {
      hold(error);
    }
  }

  #consult(stage: StagePlan, run: AnyHandler, args: readonly unknown[]): void {
    const edits = stage.stage === 'eom' ? new EditList(this.#negotiated.actions) : undefined;
    let verdict: unknown;
    try {
      verdict = edits === undefined ? run(...args) : run(...args, edits);
    } catch (error) {
      this.#answer(stage, this.#lives.failed(error, stage.stage));
      return;
    }
    if (!isThenable(verdict)) {
      this.#answer(stage, this.#checked(verdict, stage.stage), edits);
      return;
    }
    const pending = { stage, edits };
    this.#pending = pending;
    this.#watch.handlerBegins(edits !== undefined);
    verdict.then(
      answer => {
        if (this.#pending === pending) this.#settle(this.#checked(answer, stage.stage));
      },
      error => {
        if (this.#pending === pending) this.#settle(this.#lives.failed(error, stage.stage));
      },
    );
  }

  #settle(verdict: Verdict): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    this.#answer(pending.stage, verdict, pending.edits);
    this.#pump();
  }

  #checked(verdict: unknown, stage: Stage): Verdict {
    if (isLegal(verdict, stage)) return verdict;
    const found = verdict === undefined ? 'nothing (a return is missing)' : `no verdict for stage ${stage}`;
    return this.#lives.failed(new TypeError(`handler ${stage} answered ${found}`), stage);
  }

  #answer(stage: StagePlan, given: Verdict, edits?: EditList): void {
    let verdict = given;
    if (stage.stage === 'rcpt' && this.#lives.message?.recipients.at(-1)?.rejectedByMta === true) verdict = proceed;
    if (verdict.kind === 'skip') {
      if (this.#lives.message !== undefined) this.#lives.message.skippingBody = true;
      if ((this.#negotiated.protocol & ProtocolBit.skip) === 0) verdict = proceed;
    }
    if (edits !== undefined && (verdict.kind === 'proceed' || verdict.kind === 'accept'))
      this.#out.push(...edits.packets());
    if ((this.#negotiated.protocol & stage.noReplyBit) === 0) this.#out.push(verdict.packet);
    this.#conclude(stage.stage, verdict);
  }

  /** What a verdict ends: the message, the questions about this connection, or nothing. */
  #conclude(stage: Stage, verdict: Verdict): void {
    if (stage === 'connect' || stage === 'helo') {
      if (verdict.kind !== 'proceed') this.#settled = true;
    } else if (stage === 'eom') {
      this.#endMessage(verdict.kind === 'accept' ? 'delivered' : (outcomeOf(verdict) ?? 'delivered'));
      this.#macros.clearFrom(Command.mail);
    } else if (stage !== 'unknown' && !(stage === 'rcpt' && isRefusal(verdict))) {
      const outcome = outcomeOf(verdict);
      if (outcome !== undefined) this.#endMessage(outcome);
    }
  }

  #answerOutOfSequence(stage: StagePlan): void {
    if (!this.#outOfSequence) {
      this.#outOfSequence = true;
      this.#plan.options.onProtocolError?.(`${stage.stage} out of sequence, answered with "continue"`, false);
    }
    this.#answer({ ...stage, stage: 'unknown' }, proceed);
  }

  #endMessage(outcome: Outcome): void {
    this.#lives.endMessage(outcome);
    if (this.#phase === 'message' || this.#phase === 'content') this.#phase = 'connected';
  }

  #endConnection(): void {
    this.#lives.closeConnection();
    this.#macros.clearFrom(Command.connect);
    this.#settled = false;
    this.#heldError = undefined;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
