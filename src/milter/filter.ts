/**
 * What a filter is: handlers by stage, and what else it wants to say about itself. The events that the MTA is asked to send follow
 * from which handlers exist.
 */
import type { Action, MacroStage, Stage } from './constants.ts';
import type { Edits } from './edits.ts';
import type { HeaderEvent, Path, Peer } from './event.ts';
import type { Macros } from './macros.ts';
import type { Negotiated } from './negotiation.ts';
import type { Verdict } from './verdict.ts';

/** One SMTP connection, from CONNECT to QUIT. */
export interface Connection<C = unknown> {
  /** Ours, unique in this process; queue ids come late and belong to messages. */
  readonly id: string;
  readonly hostname: string;
  readonly peer: Peer;
  /** Undefined until HELO; a second HELO (STARTTLS) replaces it. */
  readonly helo: string | undefined;
  readonly macros: Macros;
  readonly negotiated: Negotiated;
  /** Told by macro `v`, which Sendmail sends only if asked for. */
  readonly mta: 'postfix' | 'sendmail' | 'unknown';
  /** Aborted when the connection is over. */
  readonly signal: AbortSignal;
  state: C;
}

export interface Recipient extends Path {
  /** The MTA refused it already and only lets us know; whatever the handler says, the answer is "continue". */
  readonly rejectedByMta: boolean;
}

/** One message, from MAIL until its end. */
export interface Message<C = unknown, M = unknown> {
  readonly connection: Connection<C>;
  /** Counts the messages of a connection, from 1. */
  readonly serial: number;
  readonly sender: Path;
  /** All that were asked about so far. */
  readonly recipients: readonly Recipient[];
  readonly macros: Macros;
  /** Macro `i`. With Postfix usually unknown before the second recipient. */
  readonly queueId: string | undefined;
  /** Aborted when the message is over. */
  readonly signal: AbortSignal;
  state: M;
}

/** How a message ended for this filter. */
export type Outcome =
  | 'delivered' // accepted at its end
  | 'accepted-early' // accepted before its end: no further questions
  | 'rejected'
  | 'tempfailed'
  | 'discarded'
  | 'aborted' // by the client or the MTA: ABORT, another MAIL or HELO
  | 'disconnected';

type Answer<S extends Stage> = Verdict<S> | Promise<Verdict<S>>;
/** A handler that answers, or one that only listens: then the MTA is told not to wait, where it can. */
export type Handler<S extends Stage, Args extends readonly unknown[]> =
  | ((...args: Args) => Answer<S>)
  | { readonly noReply: (...args: Args) => void };

export interface Where {
  readonly stage: Stage | 'messageEnd' | 'close';
  readonly connection: Connection;
  readonly message: Message | undefined;
}

export interface Timeouts {
  /** Milliseconds a handler may take. Sendmail gives up on RCPT after 10 s. */
  readonly handler: number;
  /** The same at end of message; PROGRESS is sent meanwhile. */
  readonly endOfMessage: number;
  /** Milliseconds between two commands. MTAs hold idle connections for as long as their clients do. */
  readonly idle: number;
  /** Milliseconds for the negotiation, for a packet once begun, and for the peer to read what was sent. */
  readonly packet: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { handler: 8_000, endOfMessage: 60_000, idle: 7_200_000, packet: 30_000 };

export interface FilterOptions<A extends Action = never, C = undefined, M = undefined> {
  /** Actions the filter can't do without: an MTA that does not offer them is refused. Types the `edit` of `eom`. */
  readonly actions?: readonly A[];
  /** Macros to ask for. A list replaces what the MTA would send for that stage. */
  readonly macros?: Readonly<Partial<Record<MacroStage, readonly string[]>>>;
  /** Also hear of recipients the MTA has refused itself. */
  readonly rejectedRecipients?: boolean;
  readonly connectionState?: () => C;
  readonly messageState?: () => M;

  readonly connect?: Handler<'connect', [connection: Connection<C>]>;
  readonly helo?: Handler<'helo', [connection: Connection<C>]>;
  readonly mail?: Handler<'mail', [message: Message<C, M>]>;
  readonly rcpt?: Handler<'rcpt', [message: Message<C, M>, recipient: Recipient]>;
  readonly data?: Handler<'data', [message: Message<C, M>]>;
  readonly header?: Handler<'header', [message: Message<C, M>, header: HeaderEvent]>;
  readonly eoh?: Handler<'eoh', [message: Message<C, M>]>;
  /** The chunk is valid until the handler answers; its borders are arbitrary. */
  readonly body?: Handler<'body', [message: Message<C, M>, chunk: Buffer]>;
  readonly eom?: (message: Message<C, M>, edit: Edits<NoInfer<A>>) => Answer<'eom'>;
  readonly unknown?: Handler<'unknown', [connection: Connection<C>, command: string]>;
  /** Once per message. */
  readonly messageEnd?: (message: Message<C, M>, outcome: Outcome) => void;
  /** Once per SMTP connection. */
  readonly close?: (connection: Connection<C>) => void;

  /**
   * A handler threw, took too long or answered something impossible: what to answer instead; default tempfail. Also told of
   * errors in `messageEnd` and `close`, where the answer does not matter. The milter connection stays open in every case: closing it
   * would fail the rest of the client's session.
   */
  readonly onError?: (error: unknown, where: Where) => Verdict;
  /** The peer broke the protocol. Its connection is closed if `fatal`, else it was helped along. */
  readonly onProtocolError?: (message: string, fatal: boolean) => void;
  readonly timeouts?: Partial<Timeouts>;
  /** The largest packet taken, in bytes; default 128 KiB. MTAs send at most 64 KiB and a little. */
  readonly packetLimit?: number;
  /** The most recipients a message may have, default 2,000; more get a 452, and clients send them in a message of their own. */
  readonly recipientLimit?: number;
}
