/**
 * The milter protocol, both ends, usable alone as `milter-greylist/milter`: `createMilter` answers MTAs, `connectMilter` plays one.
 * Knows nothing of mail policy. See `docs/milter-library.md`.
 */

export { type ClientOptions, connectMilter, type MacroValues, MilterClient } from './client.ts';
export type { Edit, MilterReply } from './client-reply.ts';
export { type Action, Command, type MacroStage, type Stage } from './constants.ts';
export { EditError, type Edits } from './edits.ts';
export { type ConnectEvent, type HeaderEvent, Path, type Peer } from './event.ts';
export type {
  Connection,
  FilterOptions,
  Handler,
  Message,
  Outcome,
  Recipient,
  Timeouts,
  Where,
} from './filter.ts';
export { AddressError, formatListenAddress, type ListenAddress, parseListenAddress } from './listen-address.ts';
export { decodeXtext, type Macros } from './macros.ts';
export { createMilter, type Milter, type MilterOptions } from './milter.ts';
export type { MacroLists, Negotiated, Offer } from './negotiation.ts';
export { ProtocolError } from './protocol-error.ts';
export { SocketInUseError, type SocketOwner } from './unix-socket.ts';
export {
  acceptConnection,
  acceptMessage,
  discardMessage,
  proceed,
  reject,
  reply,
  skipBody,
  tempfail,
  type Verdict,
  type VerdictKind,
} from './verdict.ts';
