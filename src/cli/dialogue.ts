/**
 * One SMTP session as an MTA tells it to a milter, printed step by step in an administrator's words: what the MTA says on the
 * left, what the milter wants on the right.
 */
import { hostname } from 'node:os';
import { escapeJson } from '../log/escape.ts';
import type { MilterClient } from '../milter/client.ts';
import type { Edit, MilterReply } from '../milter/client-reply.ts';
import { ActionBit, Command, ProtocolBit } from '../milter/constants.ts';
import type { Negotiated } from '../milter/negotiation.ts';
import type { Address } from '../net/address.ts';
import { VERSION } from '../version.ts';

/** The mail that is tried. */
export interface Attempt {
  readonly client: Address;
  readonly helo: string;
  /** Without angle brackets; empty for the null sender. */
  readonly sender: string;
  readonly recipients: readonly string[];
}

/** Prints what was said and what was answered; `proceed` words the answer "continue". */
type Step = (said: string, reply: MilterReply, proceed?: string) => MilterReply['kind'];

/** Takes one line, without line feed. */
export type Print = (line: string) => void;

const DATA_VERSION = 4;
const COLUMN = 44;
const QUEUE_ID = 'PROBE';

const ACTIONS: readonly (readonly [number, string])[] = [
  [ActionBit.addHeaders | ActionBit.changeHeaders, 'headers'],
  [ActionBit.replaceBody, 'the body'],
  [ActionBit.addRecipients | ActionBit.deleteRecipients | ActionBit.addRecipientsWithArguments, 'recipients'],
  [ActionBit.changeSender, 'the sender'],
  [ActionBit.quarantine, 'quarantine'],
];
const EVENTS: readonly (readonly [number, string])[] = [
  [ProtocolBit.noConnect, 'connect'],
  [ProtocolBit.noHelo, 'HELO'],
  [ProtocolBit.noMail, 'MAIL'],
  [ProtocolBit.noRcpt, 'RCPT'],
  [ProtocolBit.noData, 'DATA'],
  [ProtocolBit.noHeaders, 'headers'],
  [ProtocolBit.noEndOfHeader, 'end of headers'],
  [ProtocolBit.noBody, 'body'],
];

/** What was agreed on, in one line. */
export function describeNegotiation({ version, actions, protocol }: Negotiated): string {
  const may = ACTIONS.filter(([bits]) => (actions & bits) !== 0).map(([, word]) => word);
  const wants = EVENTS.filter(([bit]) => (protocol & bit) === 0).map(([, word]) => word);
  return `milter protocol ${version}; is told of ${[...wants, 'end of message'].join(', ')}; may change ${may.join(', ') || 'nothing'}`;
}

/** Plays the session to its end. Rejects if the milter breaks off or does not keep to the protocol. */
export async function playDialogue(client: MilterClient, attempt: Attempt, print: Print): Promise<void> {
  const negotiated = await client.negotiate();
  print(describeNegotiation(negotiated));
  const { address, family } = {
    address: attempt.client.text,
    family: attempt.client.family === 6 ? 'ipv6' : 'ipv4',
  } as const;
  const step: Step = (said, reply, proceed = 'go on') => {
    print(`${said.padEnd(COLUMN)} ${describeReply(reply, proceed)}`);
    return reply.kind;
  };

  const connected = await client.connect(
    { hostname: `[${address}]`, peer: { family, address, port: 25_000 } },
    { j: hostname(), '{daemon_name}': hostname(), v: `milter-greylist probe ${VERSION}`, _: `unknown [${address}]` },
  );
  if (ends(step(`connection from ${address}`, connected))) return;
  if (ends(step(`HELO ${attempt.helo}`, await client.helo(attempt.helo, {})))) return;
  const from = `<${attempt.sender}>`;
  if (ends(step(`MAIL FROM:${from}`, await client.mail([from], { '{mail_addr}': attempt.sender })))) return;

  let accepted = 0;
  for (const recipient of attempt.recipients) {
    const reply = await client.rcpt([`<${recipient}>`], { '{rcpt_addr}': recipient });
    const kind = step(`RCPT TO:<${recipient}>`, reply, 'accepted');
    if (kind === 'accept' || kind === 'discard') return; // speaks for the whole message
    if (!ends(kind)) accepted++;
  }
  if (accepted === 0) {
    print('no recipient is left: the message ends here');
    client.abort();
    return;
  }
  await playMessage(client, attempt, negotiated, step, print);
}

async function playMessage(
  client: MilterClient,
  { sender, recipients }: Attempt,
  negotiated: Negotiated,
  step: Step,
  print: Print,
): Promise<void> {
  const macros = { i: QUEUE_ID };
  if (negotiated.version >= DATA_VERSION && ends(step('DATA', await client.data(macros)))) return;
  const headers = {
    From: `<${sender || 'postmaster@localhost'}>`,
    To: recipients.map(recipient => `<${recipient}>`).join(', '),
    Subject: 'milter-greylist probe',
    Date: new Date().toUTCString().replace('GMT', '+0000'),
    'Message-Id': `<probe.${Date.now()}@${hostname()}>`,
  };
  for (const [name, value] of Object.entries(headers)) {
    const reply = await client.header(name, value, macros);
    if (reply.kind === 'not-wanted') {
      step('(headers)', reply);
      break;
    }
    if (ends(step(`${name}: ${value}`, reply))) return;
    if (reply.kind === 'skip') break;
  }
  if (ends(step('(end of headers)', await client.eoh(macros)))) return;
  const body = Buffer.from('This message is a test and is delivered to nobody.\r\n');
  if (ends(step('(body)', await client.body(body, macros)))) return;
  client.macros(Command.endOfMessage, macros);
  const { edits, reply } = await client.endOfMessage();
  for (const edit of edits) print(`${''.padEnd(COLUMN)} ${describeEdit(edit)}`);
  // Here both words mean the same.
  step('(end of message)', reply.kind === 'accept' ? { kind: 'proceed' } : reply, 'accepted: the message is delivered');
}

/** Whether the milter has said its last word on what was asked. */
function ends(kind: MilterReply['kind']): boolean {
  return kind === 'accept' || kind === 'reject' || kind === 'tempfail' || kind === 'discard' || kind === 'reply';
}

/** A reply as the client of a real MTA would see it. */
function describeReply(reply: MilterReply, proceed: string): string {
  switch (reply.kind) {
    case 'proceed':
      return proceed;
    case 'accept':
      return 'accept: no more questions';
    case 'reject':
      return 'reject: the client sees 550 5.7.1';
    case 'tempfail':
      return 'try later: the client sees 451 4.7.1';
    case 'discard':
      return 'discard: the client sees success, nobody gets the mail';
    case 'skip':
      return 'go on; no more of this';
    case 'reply':
      return printable(reply.text);
    case 'not-wanted':
      return '- (does not want to know)';
    case 'no-reply':
      return '- (listens and says nothing)';
  }
}

function describeEdit(edit: Edit): string {
  switch (edit.kind) {
    case 'progress':
      return 'wait: still at work';
    case 'add-header':
    case 'insert-header':
      return `add header ${printable(`${edit.name}: ${edit.value}`)}`;
    case 'change-header':
      return edit.value === ''
        ? `remove header ${printable(edit.name)} no. ${edit.index}`
        : `change header no. ${edit.index} to ${printable(`${edit.name}: ${edit.value}`)}`;
    case 'add-recipient':
    case 'delete-recipient':
    case 'change-sender':
      return printable(`${edit.kind.replace('-', ' ')} ${edit.argv.join(' ')}`);
    case 'replace-body':
      return `replace the body, ${edit.chunk.length} bytes`;
    case 'quarantine':
      return `quarantine: ${printable(edit.reason)}`;
  }
}

/** One line, and nothing that a terminal would obey. */
function printable(text: string): string {
  return escapeJson(text.replace(/\r?\n[ \t]*/g, ' / '));
}
