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
import { Inquiry } from './inquiry.ts';
import { Lifecycle } from './lifecycle.ts';
import { MacroStore } from './macros.ts';
import { decodeOffer, type Negotiated } from './negotiation.ts';
import { type Plan, type StagePlan, withLastChunk } from './plan.ts';
import { ProtocolError } from './protocol-error.ts';
import { Subjects } from './subjects.ts';
import { nextPhase, type Phase } from './transitions.ts';
import { isRefusal, outcomeOf, proceed, reply, type Verdict } from './verdict.ts';
import { Watch } from './watch.ts';

/** Where a session's bytes go. */
export interface Wire {
  write(bytes: Uint8Array): void;
  /** The peer does not read: nothing more is worked on for it. */
  readonly full: boolean;
  /** There may be more to work on, and others' turn is first: call `goOn` soon, but not while the wire is full. */
  rest(): void;
  /** The session is over; what was written still goes out. */
  close(): void;
}

/** What sessions share: ids and the monotonic clock in milliseconds. */
export interface SessionEnvironment {
  nextId(): string;
  monotonic(): number;
}

/** Packets taken in a row. MTAs send a few and wait; who sends thousands at once must not keep the others waiting. */
const PACKETS_A_TURN = 64;
const TOO_MANY_RECIPIENTS = reply(452, '4.5.3', 'Too many recipients'); // RFC 5321 section 4.5.3.1.10
const PROGRESS = encodeFrame(Response.progress);
const NOTHING: Negotiated = Object.freeze({ version: 0, actions: 0, protocol: 0 });

export class Session {
  readonly #plan: Plan;
  readonly #wire: Wire;
  readonly #parser: FrameParser;
  readonly #macros = new MacroStore();
  readonly #lives: Lifecycle;
  readonly #subjects: Subjects;
  readonly #inquiry: Inquiry;
  readonly #watch: Watch;
  #phase: Phase = 'start';
  #negotiated = NOTHING;
  /** A verdict has settled the whole SMTP connection: no handler is asked any more. */
  #settled = false;
  #out: Uint8Array[] = [];
  #pumping = false;
  #closed = false;
  #outOfSequence = false;

  constructor(plan: Plan, wire: Wire, environment: SessionEnvironment) {
    this.#plan = plan;
    this.#wire = wire;
    this.#parser = new FrameParser(plan.packetLimit);
    this.#lives = new Lifecycle(plan);
    this.#subjects = new Subjects(this.#lives, this.#macros, environment.nextId);
    this.#inquiry = new Inquiry(this.#lives, (stage, verdict, edits) => this.#resume(stage, verdict, edits));
    this.#watch = new Watch(plan.timeouts, environment.monotonic);
  }

  /** Received bytes that wait for a handler to settle. */
  get backlog(): number {
    return this.#inquiry.open ? this.#parser.pending : 0;
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

  /** Works on what came before the wire said to rest. */
  goOn(): void {
    if (!this.#closed) this.#pump();
  }

  /** The peer is gone, or the daemon stops. */
  disconnect(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inquiry.drop();
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
        this.#inquiry.expire();
        break;
      case 'progress':
        this.#wire.write(PROGRESS);
        break;
      case 'none':
        break;
    }
  }

  #pump(): void {
    // What a handler makes its own peer say must not overtake the handler's answer.
    if (this.#pumping) return;
    this.#pumping = true;
    let left = this.#wire.full ? 0 : PACKETS_A_TURN;
    let advanced = false;
    let offence: unknown;
    try {
      while (left > 0 && !this.#inquiry.open && !this.#closed && this.#parser.read()) {
        this.#dispatch();
        advanced = true;
        left -= 1;
      }
    } catch (error) {
      offence = error;
    }
    this.#pumping = false;
    this.#flush();
    if (offence !== undefined) this.#fatal(offence instanceof Error ? offence.message : String(offence));
    // Until it has negotiated, the peer lives on the time that every connection begins with.
    else if (!this.#inquiry.open && this.#phase !== 'start') this.#watch.peerBegins(this.#parser.pending > 0, advanced);
    if (left === 0 && !this.#inquiry.open && !this.#closed) this.#wire.rest();
  }

  /** A handler that took its time has answered. */
  #resume(stage: StagePlan, verdict: Verdict, edits: EditList | undefined): void {
    this.#pumping = true;
    this.#answer(stage, verdict, edits);
    this.#pumping = false;
    this.#pump();
  }

  #flush(): void {
    const out = this.#out;
    if (out.length === 0) return;
    const bytes = out.length === 1 ? (out[0] as Uint8Array) : Buffer.concat(out);
    this.#out = []; // V8 takes longer to cut an array to nothing
    if (!this.#closed) this.#wire.write(bytes);
  }

  #fatal(message: string): void {
    if (this.#closed) return;
    this.#lives.offended(message, true);
    this.disconnect();
  }

  #dispatch(): void {
    const { command, buffer, start, end } = this.#parser;
    switch (command) {
      case Command.macro:
        this.#macros.put(buffer, start, end);
        return;
      case Command.negotiate: {
        if (this.#phase !== 'start') throw new ProtocolError('OPTNEG after the negotiation');
        const { negotiated, packet } = this.#plan.negotiator.answer(decodeOffer(buffer, start, end));
        this.#negotiated = negotiated;
        this.#out.push(packet);
        this.#phase = 'open';
        return;
      }
      case Command.abort:
        this.#endMessage('aborted');
        this.#macros.clearFrom(Command.mail);
        return;
      case Command.quit:
        this.#flush();
        this.disconnect();
        return;
      case Command.quitNewConnection:
        this.#endConnection();
        if (this.#phase !== 'start') this.#phase = 'open';
        return;
    }
    const stage = this.#plan.stages[command];
    if (stage === undefined) throw new ProtocolError(`unknown command 0x${command.toString(16).padStart(2, '0')}`);
    if (this.#phase === 'start') throw new ProtocolError(`${stage.stage} before the negotiation`);
    const phase = nextPhase(this.#phase, command);
    if (phase === undefined) this.#answerOutOfSequence(stage);
    else this.#take(stage, phase);
  }

  /** A command in its place: what it ends, what it begins, and what its handler says to it. */
  #take(stage: StagePlan, phase: Phase): void {
    const { command, buffer, start, end } = this.#parser;
    if (command === Command.mail || command === Command.helo) this.#lives.endMessage('aborted');
    else if (command === Command.connect) this.#endConnection(false);
    this.#phase = phase;
    this.#macros.arrived(command);
    if (command === Command.rcpt && (this.#lives.message?.recipients.length ?? 0) >= this.#plan.recipientLimit) {
      if ((this.#negotiated.protocol & stage.noReplyBit) === 0) this.#out.push(TOO_MANY_RECIPIENTS.packet);
      return;
    }
    let verdict: Verdict | undefined = proceed;
    let edits: EditList | undefined;
    try {
      const subject = this.#settled ? undefined : this.#subjects.of(command, buffer, start, end, this.#negotiated);
      if (subject !== undefined) {
        const isEnd = command === Command.endOfMessage;
        const plan = isEnd && end > start ? withLastChunk(this.#plan, stage, buffer.subarray(start, end)) : stage;
        if (isEnd) edits = new EditList(this.#negotiated.actions);
        verdict = this.#inquiry.ask(plan, subject, edits);
      }
    } catch (error) {
      // The filter's state factory threw. That is an answer like a handler's that throws, not the end of the connection.
      verdict = this.#inquiry.failed(stage, error, edits);
    }
    if (verdict === undefined) this.#watch.handlerBegins(command === Command.endOfMessage);
    else this.#answer(stage, verdict, edits);
  }

  #answer(stage: StagePlan, given: Verdict, edits: EditList | undefined): void {
    let verdict = given;
    if (stage.stage === 'rcpt' && this.#lives.message?.recipients.at(-1)?.rejectedByMta === true) verdict = proceed;
    if (verdict.kind === 'skip') {
      if (this.#lives.message !== undefined) this.#lives.message.skippingBody = true;
      if ((this.#negotiated.protocol & ProtocolBit.skip) === 0) verdict = proceed;
    }
    if (edits !== undefined && (verdict.kind === 'proceed' || verdict.kind === 'accept')) {
      this.#out.push(...edits.packets());
    }
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
      this.#lives.offended(`${stage.stage} out of sequence, answered with "continue"`, false);
    }
    if ((this.#negotiated.protocol & stage.noReplyBit) === 0) this.#out.push(proceed.packet);
  }

  #endMessage(outcome: Outcome): void {
    this.#lives.endMessage(outcome);
    if (this.#phase === 'message' || this.#phase === 'content') this.#phase = 'connected';
  }

  /** @param forget whether macros told ahead of a next connection go too. */
  #endConnection(forget = true): void {
    this.#lives.closeConnection();
    if (forget) this.#macros.clearFrom(Command.connect);
    this.#settled = false;
  }
}
