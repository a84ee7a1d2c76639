/**
 * `whitelist` and `blacklist`: short forms for rules that look at one thing each.
 */
import * as z from 'zod';
import { parseTriple, parseTripleLine, type Triple } from '../../lists/triple.ts';
import type { ListEntries } from '../../policy/access-list.ts';
import { anyOf, hostName, listFile, mailAddress, network } from './patterns.ts';
import { boolean, line, listOf, parsed, type Schema, scalar } from './values.ts';

export interface ListConfig extends ListEntries {
  /** Files of addresses, networks and wildcards, one a line. */
  readonly files: readonly string[];
}

const tripleLine = scalar('a triple such as 192.0.2.0/24 sender@example.net user@example.org', parseTripleLine, {
  type: 'string',
});
const fullTriple = z.strictObject({
  client: line('an address or network').describe('The address or network.'),
  sender: line('a sender').optional().describe('The sender; `<>` is the null sender.'),
  helo: line('a name').optional().describe('In place of the sender: the name in HELO.'),
  name: line('a name').optional().describe("In place of the sender: the client's own name."),
  recipient: line('a recipient').describe('The recipient.'),
});

const triple: Schema<Triple> = z.union([
  tripleLine,
  parsed(fullTriple, ({ client, recipient, ...parties }) => {
    const given = (['sender', 'helo', 'name'] as const).filter(kind => parties[kind] !== undefined);
    const [kind] = given;
    if (kind === undefined || given.length > 1) throw new RangeError('expected one of sender, helo and name');
    return parseTriple(client, kind, parties[kind] ?? '', recipient);
  }),
]);

export const listSchema: Schema<ListConfig> = z.strictObject({
  files: listOf(listFile('client'))
    .prefault([])
    .describe('Files of client addresses, networks (192.0.2.0/24) or wildcards (192.0.2.*), one a line.'),
  clients: anyOf('client', network).describe('Client addresses and networks.'),
  names: anyOf('name', hostName).describe(
    'Clients by name, which must lead back to their address: `mail.example.net`, or `.example.com` with all below it.',
  ),
  unverified: boolean()
    .prefault('false')
    .describe("Take the mail server's word for clients' names. Whoever owns an address can give it any name."),
  senders: anyOf('mail', mailAddress).describe(
    'Senders: `user@example.net`, `@example.net`, `@.example.net`, `user@`, `<>`.',
  ),
  recipients: anyOf('mail', mailAddress).describe('Recipients, written like senders.'),
  triples: anyOf('triple', triple).describe(
    'A network, a sender and a recipient; or a network, `helo` or `name`, and a recipient. In short, and in files: `192.0.2.0/24 a@example.net b@example.org`, `192.0.2.0/24 helo=mx.example.net b@example.org`.',
  ),
});
