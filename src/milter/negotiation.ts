/**
 * Option negotiation: what the MTA offers, what the filter wishes, and what comes of it. Pure. The rules are libmilter's
 * (`st_optionneg`), but a protocol bit that is missing from the offer is made up for on our side instead of giving up: events nobody
 * wants are answered "continue", replies nobody waits for are sent.
 *
 * A bit that was not offered is never in the answer: Sendmail would refuse the filter for it.
 */
import {
  ALL_ACTIONS,
  ALL_PROTOCOL,
  Command,
  type MacroStage,
  OLDEST_VERSION,
  PROTOCOL_VERSION,
  SET_SYMBOL_LIST,
  SymbolStage,
  V1_ACTIONS,
} from './constants.ts';
import { encodeFrame } from './frame-parser.ts';
import { ProtocolError } from './protocol-error.ts';
import { decodeText, encodeStrings, stringEnd } from './text.ts';

export interface Offer {
  readonly version: number;
  readonly actions: number;
  readonly protocol: number;
}

/** Macro names by stage, as `i` or `{auth_authen}`. */
export type MacroLists = Readonly<Partial<Record<MacroStage, readonly string[]>>>;

export interface Wishes {
  /** Without these the filter can't work: a negotiation that does not offer them fails. */
  readonly actions: number;
  readonly protocol: number;
  readonly macros: MacroLists;
}

export interface Negotiated {
  readonly version: number;
  readonly actions: number;
  /** The bits both sides agreed on. Wished for and missing here: made up for by the session. */
  readonly protocol: number;
}

/** Reads the data of OPTNEG. Throws `ProtocolError` if it is cut short or the version is too old. */
export function decodeOffer(buffer: Buffer, start: number, end: number): Offer {
  if (end - start < 12) throw new ProtocolError(`OPTNEG with ${end - start} bytes of data: expected at least 12`);
  const version = buffer.readUInt32BE(start);
  if (version < OLDEST_VERSION) {
    throw new ProtocolError(`milter protocol version ${version} offered: at least ${OLDEST_VERSION} is needed`);
  }
  return {
    version,
    // Zero is how the oldest MTAs say "those of version 1". Zero steps are taken as none: what is not asked for can't be wrong.
    actions: buffer.readUInt32BE(start + 4) || V1_ACTIONS,
    protocol: buffer.readUInt32BE(start + 8),
  };
}

/** Throws `ProtocolError` naming the actions that are required and not offered. */
export function negotiate(offer: Offer, wishes: Wishes): Negotiated {
  const offeredActions = offer.actions & ALL_ACTIONS;
  const missing = wishes.actions & ~offeredActions;
  if (missing !== 0) {
    throw new ProtocolError(`the MTA does not offer the actions 0x${missing.toString(16)} that this filter needs`);
  }
  const lists = Object.keys(wishes.macros).length > 0 ? SET_SYMBOL_LIST : 0;
  return {
    version: Math.min(PROTOCOL_VERSION, offer.version),
    actions: (wishes.actions | lists) & offeredActions,
    protocol: wishes.protocol & offer.protocol & ALL_PROTOCOL,
  };
}

/** The OPTNEG answer. Macro lists ride along if that was agreed. */
export function encodeAnswer(negotiated: Negotiated, macros: MacroLists): Buffer {
  const numbers = Buffer.allocUnsafe(12);
  numbers.writeUInt32BE(negotiated.version, 0);
  numbers.writeUInt32BE(negotiated.actions, 4);
  numbers.writeUInt32BE(negotiated.protocol, 8);
  const lists = negotiated.actions & SET_SYMBOL_LIST ? encodeMacroLists(macros) : [];
  return encodeFrame(Command.negotiate, numbers, ...lists);
}

function encodeMacroLists(macros: MacroLists): Buffer[] {
  // Sendmail looks at the end-of-message list only if there is an end-of-header list too.
  const lists: MacroLists =
    macros.eom !== undefined && macros.eoh === undefined ? { ...macros, eoh: macros.eom } : macros;
  const encoded: Buffer[] = [];
  for (const [stage, number] of Object.entries(SymbolStage)) {
    const names = lists[stage as MacroStage];
    if (names === undefined) continue;
    const prefix = Buffer.allocUnsafe(4);
    prefix.writeUInt32BE(number);
    encoded.push(prefix, encodeStrings(names.join(' ')));
  }
  return encoded;
}

/** A macro's name as lists on the wire have it: longer ones in braces. Throws `RangeError` for what is no name. */
export function symbol(name: string): string {
  const bare = /^\{?([^\s{},\0]+)\}?$/.exec(name)?.[1];
  if (bare === undefined)
    throw new RangeError(`macro ${JSON.stringify(name)}: expected a name such as i or {auth_authen}`);
  return bare.length === 1 ? bare : `{${bare}}`;
}

interface Answer {
  readonly negotiated: Negotiated;
  readonly packet: Buffer;
}

/** Answers offers for one filter. Remembers the last answer: an MTA makes the same offer for each of its connections. */
export class Negotiator {
  readonly #wishes: Wishes;
  #offer: Offer | undefined;
  #answer: Answer | undefined;

  constructor(wishes: Wishes) {
    this.#wishes = wishes;
  }

  /** Throws `ProtocolError` if the offer does not do. */
  answer(offer: Offer): Answer {
    const last = this.#offer;
    if (
      this.#answer !== undefined &&
      last?.version === offer.version &&
      last.actions === offer.actions &&
      last.protocol === offer.protocol
    ) {
      return this.#answer;
    }
    const negotiated = Object.freeze(negotiate(offer, this.#wishes));
    this.#offer = offer;
    this.#answer = { negotiated, packet: encodeAnswer(negotiated, this.#wishes.macros) };
    return this.#answer;
  }
}

/** Reads the milter's answer, the MTA's side: the numbers, and the macro lists it asks for. */
export function decodeAnswer(buffer: Buffer, start: number, end: number): Negotiated & { readonly macros: MacroLists } {
  if (end - start < 12)
    throw new ProtocolError(`OPTNEG answer with ${end - start} bytes of data: expected at least 12`);
  const macros: Partial<Record<MacroStage, readonly string[]>> = {};
  let at = start + 12;
  while (at + 4 < end) {
    const number = buffer.readUInt32BE(at);
    const [stage] = Object.entries(SymbolStage).find(([, value]) => value === number) ?? [];
    if (stage === undefined) throw new ProtocolError(`macro list for stage ${number}: stages are 0 to 6`);
    const stop = stringEnd(buffer, at + 4, end);
    const names = decodeText(buffer, at + 4, stop).split(/[ ,]+/);
    macros[stage as MacroStage] = names.filter(name => name !== '');
    at = stop + 1;
  }
  return {
    version: buffer.readUInt32BE(start),
    actions: buffer.readUInt32BE(start + 4),
    protocol: buffer.readUInt32BE(start + 8),
    macros,
  };
}
