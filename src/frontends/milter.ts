/**
 * The milter frontend: turns the events of an MTA into envelopes, asks the policy, and turns its verdicts into replies. Nothing is
 * decided here.
 *
 * CONNECT is answered at once, because both MTAs would hold back what needs no answer, and DNS look-ups that begin then hide
 * behind the client's own round trips. HELO needs no answer, nor does MAIL, unless there are look-ups that begin then. Nobody is
 * refused before RCPT.
 */
import {
  acceptConnection,
  type Connection,
  decodeXtext,
  type FilterOptions,
  type Message,
  type Verdict as MilterVerdict,
  proceed,
  type Recipient,
  reply,
  tempfail,
  type Where,
} from '../milter/index.ts';
import { parseAddress } from '../net/address.ts';
import type { Decision, MessageVerdict } from '../policy/decision.ts';
import type { Envelope, Macros, MessageStart, Session } from '../policy/envelope.ts';
import type { Policy } from '../policy/policy.ts';
import type { Accept } from '../policy/verdict.ts';

export interface MilterFrontendParts {
  /** The policy in force. A message keeps the one of its MAIL. */
  readonly policy: () => Policy;
  /** Writes one decision to the log. */
  readonly record: (decision: Decision) => void;
  /** A session whose every recipient is accepted for its address alone: the MTA will not ask again. */
  readonly settled: (session: Session, verdict: Accept) => void;
  /** The frontend itself failed: what to do instead was decided by `onFailure`. */
  readonly onFault: (error: unknown, stage: string) => void;
  readonly onProtocolError: (message: string, fatal: boolean) => void;
  readonly onFailure: () => 'accept' | 'tempfail';
  /** What sessions have to wait for before anything can be decided; undefined once all is there. */
  readonly ready: () => Promise<void> | undefined;
}

/** What depends on the configuration in the negotiation with the MTA; a change is for new connections. */
export interface MilterWishes {
  /** Hear of MAIL at once, at the price of an answer. */
  readonly answerMail?: boolean;
  /** Macros to ask for besides the usual ones, by name without braces. */
  readonly macros?: readonly string[];
}

interface ConnectionState {
  session: Session | undefined;
  macros: Macros | undefined;
  /** Whether the MTA was asked for a macro when this connection was negotiated. */
  readonly isAsked: (macro: string) => boolean;
  /** How many recipients it has had. */
  recipients: number;
}

interface MessageState {
  policy: Policy | undefined;
  authenticated: string | undefined;
  readonly decisions: Decision[];
}

type GreylistConnection = Connection<ConnectionState>;
type GreylistMessage = Message<ConnectionState, MessageState>;

/** Asked of the MTA at each stage: what it sends by default, `v` (Sendmail needs to be told), and the queue id. */
const MACROS = {
  connect: ['j', '_', 'v', '{daemon_name}', '{daemon_addr}', '{if_name}', '{if_addr}'],
  mail: ['i', '{auth_type}', '{auth_authen}', '{auth_author}', '{mail_mailer}', '{mail_host}', '{mail_addr}'],
  rcpt: ['i', '{rcpt_mailer}', '{rcpt_host}', '{rcpt_addr}'],
  eoh: ['i'],
  eom: ['i', '{msg_id}'],
} as const;

export function milterFilter(
  parts: MilterFrontendParts,
  { answerMail = false, macros = [] }: MilterWishes = {},
): FilterOptions<'addHeaders', ConnectionState, MessageState> {
  const mail = (message: GreylistMessage): MilterVerdict<'mail'> => {
    const { state, connection } = message;
    state.policy = parts.policy();
    state.authenticated = authenticatedUser(message);
    if (!state.policy.startsAtMail) return proceed;
    connection.state.session ??= sessionOf(connection);
    state.policy.mail(startOf(message, connection.state.session));
    return proceed;
  };
  const lists = macros.length > 0 ? macrosWith(macros) : MACROS;
  const asked = new Set(Object.values(lists).flat().map(bareName));
  const isAsked = (macro: string): boolean => asked.has(macro);
  return {
    actions: ['addHeaders'],
    macros: lists,
    connectionState: () => ({ session: undefined, macros: undefined, isAsked, recipients: 0 }),
    messageState: () => ({ policy: undefined, authenticated: undefined, decisions: [] }),

    connect(connection) {
      return parts.ready()?.then(() => begin(connection, parts)) ?? begin(connection, parts);
    },

    // What is only listened to: the library keeps what it says.
    helo: { noReply: () => {} },
    mail: answerMail ? mail : { noReply: message => void mail(message) },

    rcpt(message, recipient) {
      const decision = policyOf(message, parts).recipient(envelopeOf(message, recipient));
      if (decision instanceof Promise) return decision.then(decided => conclude(message, decided, parts));
      return conclude(message, decision, parts);
    },

    async eom(message, edit) {
      const { session } = message.connection.state;
      if (session === undefined) return proceed;
      const end: MessageVerdict = await policyOf(message, parts).endOfMessage(session, message.state.decisions);
      for (const decision of end.decisions) parts.record(decision);
      if (end.action === 'greylist') return replyOf(end.reply);
      // Each goes to the very top, so the last is inserted first.
      for (const header of end.headers.toReversed()) edit.insertHeader(0, header.name, header.value);
      return proceed;
    },

    onError(error: unknown, where: Where) {
      parts.onFault(error, where.stage);
      return parts.onFailure() === 'tempfail' && (where.stage === 'rcpt' || where.stage === 'eom') ? tempfail : proceed;
    },
    onProtocolError: parts.onProtocolError,
  };
}

/**
 * More macros: asked for at CONNECT and at every recipient, since MTAs know some from the beginning and others change. A
 * list replaces the MTA's own, so the usual ones stay in it.
 */
function macrosWith(more: readonly string[]): NonNullable<FilterOptions['macros']> {
  const names = more.map(name => (name.length === 1 ? name : `{${name}}`));
  const connect = [...new Set<string>([...MACROS.connect, ...names])];
  return { ...MACROS, connect, rcpt: [...new Set<string>([...MACROS.rcpt, ...names])] };
}

function begin(connection: GreylistConnection, parts: MilterFrontendParts): MilterVerdict<'connect'> {
  const session = sessionOf(connection);
  connection.state.session = session;
  const policy = parts.policy();
  const settled = policy.settledAtConnect(session);
  if (settled !== undefined) {
    parts.settled(session, settled);
    return acceptConnection;
  }
  policy.connect(session);
  return proceed;
}

function conclude(message: GreylistMessage, decision: Decision, parts: MilterFrontendParts): MilterVerdict {
  message.state.decisions.push(decision);
  parts.record(decision);
  return decision.verdict.action === 'accept' ? proceed : replyOf(decision.verdict.reply);
}

/** The reply made last: most clients are new ones, and are told the same. */
let latest = { code: 0, enhanced: '', text: '', verdict: tempfail };

function replyOf({ code, enhanced, text }: { code: number; enhanced: string; text: string }): MilterVerdict {
  if (latest.text !== text || latest.code !== code || latest.enhanced !== enhanced) {
    latest = { code, enhanced, text, verdict: reply(code, enhanced, text) };
  }
  return latest.verdict;
}

/** MAIL may be answered by a policy; a message whose MAIL went by unheard takes the one in force. */
function policyOf(message: GreylistMessage, parts: MilterFrontendParts): Policy {
  message.state.policy ??= parts.policy();
  return message.state.policy;
}

function sessionOf({ id, hostname, peer, macros }: GreylistConnection): Session {
  const daemonName = macros.get('daemon_name');
  if (peer.family === 'unix') return { id, address: undefined, transport: 'unix', name: hostname, daemonName };
  if (peer.family === 'unknown') return { id, address: undefined, transport: 'unknown', name: hostname, daemonName };
  const address = parseAddress(peer.address);
  const transport = peer.port === 0 ? 'no-port' : address === undefined ? 'unknown' : 'tcp';
  return { id, address, transport, name: hostname, daemonName };
}

/** `{auth_authen}` as `auth_authen`. */
function bareName(macro: string): string {
  return macro.replace(/^\{(.*)\}$/, '$1');
}

function macrosOf({ macros, state }: GreylistConnection): Macros {
  state.macros ??= { get: name => macros.get(name), isAsked: state.isAsked };
  return state.macros;
}

function startOf({ connection, sender, state }: GreylistMessage, session: Session): MessageStart {
  return {
    session,
    helo: connection.helo,
    sender: sender.address,
    authenticated: state.authenticated,
    macros: macrosOf(connection),
  };
}

function envelopeOf(message: GreylistMessage, recipient: Recipient): Envelope {
  const { connection } = message;
  connection.state.session ??= sessionOf(connection);
  return {
    id: `${connection.id}.${++connection.state.recipients}`,
    session: connection.state.session,
    helo: connection.helo,
    sender: message.sender.address,
    recipient: recipient.address,
    authenticated: message.state.authenticated,
    macros: macrosOf(connection),
    rejectedByMta: recipient.rejectedByMta,
  };
}

/** Postfix tells the login name as it is, Sendmail in xtext. */
function authenticatedUser({ connection, macros }: GreylistMessage): string | undefined {
  const user = macros.get('auth_authen');
  if (user === undefined || user === '') return undefined;
  return connection.mta === 'sendmail' ? decodeXtext(user) : user;
}
