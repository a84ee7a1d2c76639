/**
 * The plan of a filter: its options worked out once, so that sessions only look things up. Handlers decide the wishes for the
 * negotiation. CONNECT, HELO and MAIL always stay, since they carry what later handlers read and where messages begin.
 */
import { type Action, ActionBit, Command, type MacroStage, ProtocolBit, type Stage } from './constants.ts';
import type { MessageContext } from './context.ts';
import { DEFAULT_TIMEOUTS, type FilterOptions, type Timeouts } from './filter.ts';
import { type MacroLists, Negotiator, symbol } from './negotiation.ts';
import { isLegal, proceed } from './verdict.ts';

export type AnyHandler = (...args: readonly unknown[]) => unknown;

export interface StagePlan {
  readonly stage: Stage;
  readonly run: AnyHandler | undefined;
  readonly noReply: boolean;
  /** The bit that tells the MTA not to wait for an answer at this stage; 0 where there is none. */
  readonly noReplyBit: number;
}

export interface Plan {
  readonly negotiator: Negotiator;
  /** By command byte. */
  readonly stages: readonly (StagePlan | undefined)[];
  readonly options: FilterOptions<Action, unknown, unknown>;
  readonly timeouts: Timeouts;
  readonly packetLimit: number;
  readonly recipientLimit: number;
}

/** Per stage: its command, the bit that leaves the event out (0: it always stays), the bit that leaves the reply out. */
const STAGES: readonly (readonly [Stage, number, number, number])[] = [
  ['connect', Command.connect, 0, ProtocolBit.noReplyConnect],
  ['helo', Command.helo, 0, ProtocolBit.noReplyHelo],
  ['mail', Command.mail, 0, ProtocolBit.noReplyMail],
  ['rcpt', Command.rcpt, ProtocolBit.noRcpt, ProtocolBit.noReplyRcpt],
  ['data', Command.data, ProtocolBit.noData, ProtocolBit.noReplyData],
  ['header', Command.header, ProtocolBit.noHeaders, ProtocolBit.noReplyHeader],
  ['eoh', Command.endOfHeader, ProtocolBit.noEndOfHeader, ProtocolBit.noReplyEndOfHeader],
  ['body', Command.body, ProtocolBit.noBody, ProtocolBit.noReplyBody],
  ['eom', Command.endOfMessage, 0, 0],
  ['unknown', Command.unknown, ProtocolBit.noUnknown, ProtocolBit.noReplyUnknown],
];

export function planFilter(options: FilterOptions<Action, unknown, unknown>): Plan {
  const stages = new Array<StagePlan | undefined>(256).fill(undefined);
  let protocol = options.rejectedRecipients === true ? ProtocolBit.rejectedRecipients : 0;
  if (options.body !== undefined) protocol |= ProtocolBit.skip;
  for (const [stage, command, noEventBit, noReplyBit] of STAGES) {
    const handler = options[stage] as AnyHandler | { readonly noReply: AnyHandler } | undefined;
    const noReply = typeof handler === 'object';
    const run = (typeof handler === 'object' ? handler.noReply : handler)?.bind(noReply ? handler : options);
    stages[command] = { stage, run, noReply, noReplyBit };
    if (handler === undefined) protocol |= noEventBit;
    else if (noReply) protocol |= noReplyBit;
  }
  const actions = (options.actions ?? []).reduce((bits, action) => bits | ActionBit[action], 0);
  return {
    stages,
    options,
    negotiator: new Negotiator({ actions, protocol, macros: macroLists(options) }),
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    packetLimit: options.packetLimit ?? 131_072,
    recipientLimit: options.recipientLimit ?? 2_000,
  };
}

/** The macros asked for, and the one that tells refused recipients if they are asked for. Throws `RangeError` on a bad name. */
function macroLists(options: FilterOptions<Action, unknown, unknown>): MacroLists {
  const lists: Partial<Record<MacroStage, readonly string[]>> = {};
  for (const [stage, names] of Object.entries(options.macros ?? {})) lists[stage as MacroStage] = names.map(symbol);
  if (options.rejectedRecipients === true && lists.rcpt !== undefined) {
    lists.rcpt = [...new Set([...lists.rcpt, '{rcpt_mailer}'])];
  }
  return lists;
}

/**
 * Old MTAs put the last piece of the body into the end of message: a plan that asks about the chunk first and then about the
 * end, for one answer.
 */
export function withLastChunk(plan: Plan, end: StagePlan, chunk: Buffer): StagePlan {
  const body = plan.stages[Command.body];
  if (body?.run === undefined) return end;
  const ask = body.run;
  const run = async (message: unknown, ...edits: readonly unknown[]): Promise<unknown> => {
    if (!(message as MessageContext).skippingBody) {
      const verdict = await ask(message, chunk);
      if (!body.noReply && !isLegal(verdict, 'body')) return verdict;
      if (isLegal(verdict, 'eom') && verdict.kind !== 'proceed') return verdict;
    }
    return end.run === undefined ? proceed : end.run(message, ...edits);
  };
  return { ...end, run };
}
