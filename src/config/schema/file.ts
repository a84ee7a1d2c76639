/**
 * The configuration as a whole: the keys at the top of the file and the sections below them. What comes out is `Config`, with every
 * default filled in; its shape is the file's. All times are milliseconds.
 */
import * as z from 'zod';
import { parseListenAddress } from '../../milter/listen-address.ts';
import { defaultExempt } from '../../policy/checks/exempt.ts';
import type { SpfMode } from '../../policy/checks/spf.ts';
import type { OptEntries } from '../../policy/opt.ts';
import type { ReplyTemplates } from '../../policy/replies.ts';
import type { Rule } from '../../policy/rules/rule.ts';
import { type DnsConfig, dnsSchema } from './dns.ts';
import { type DnsblConfig, dnsblSchema } from './dnsbl.ts';
import { type GreylistConfig, greylistSchema } from './greylist.ts';
import { type LearningConfig, learningSchema } from './learning.ts';
import { type ListConfig, listSchema } from './lists.ts';
import { type LogConfig, logSchema } from './log.ts';
import { optSchema } from './opt.ts';
import { repliesSchema } from './replies.ts';
import { rulesSchema } from './rules.ts';
import { together } from './together.ts';
import { boolean, choice, line, listOf, octalMode, path, type Schema, scalar, section, whole } from './values.ts';

export interface Config {
  /** The filter's name in the headers it adds. The milter protocol has no place for one. */
  readonly name: string;
  /** Where to listen, as `parseListenAddress` reads it. */
  readonly socket: readonly string[];
  /** Permission bits of unix sockets. */
  readonly socketMode: number;
  /** Group of unix sockets, a name or number; undefined: `postfix` if started as root and it exists, else the process's. */
  readonly socketGroup?: string | undefined;
  /** `user` or `user:group`, names or numbers, to become once the sockets are bound; undefined: stay who we are. */
  readonly user?: string | undefined;
  /** Path of the database, `:memory:`, or undefined for the default place. */
  readonly database?: string | undefined;
  /** How safe a commit is: with `normal` a power cut may lose the last ones, with `full` none. */
  readonly synchronous: 'normal' | 'full';
  readonly log: LogConfig;
  /** How many of the last decisions `explain --id` can tell about. */
  readonly history: number;
  /** What becomes of a recipient if the greylist or its store fails. */
  readonly onFailure: 'accept' | 'tempfail';
  /** Whether loopback and private clients are accepted unasked. */
  readonly acceptLocal: boolean;
  /** Whether clients that have logged in are accepted unasked. */
  readonly acceptAuthenticated: boolean;
  /** Recipients' local parts that are never refused, in lower case. */
  readonly exempt: readonly string[];
  /** `{daemon_name}`s of listeners for our own users' mail, whose clients are not looked up in DNSBLs. */
  readonly originating: readonly string[];
  readonly greylist: GreylistConfig;
  readonly rules: readonly Rule[];
  /** Whom the greylist is for; at most one of the two. */
  readonly optIn?: OptEntries | undefined;
  readonly optOut?: OptEntries | undefined;
  readonly whitelist: ListConfig;
  readonly blacklist: ListConfig;
  readonly dnsbl: DnsblConfig;
  /** What becomes of messages that pass SPF. */
  readonly spf: SpfMode;
  readonly dns: DnsConfig;
  readonly learning: LearningConfig;
  readonly replies: ReplyTemplates;
}

const listenAddress = scalar(
  'an address to listen on, such as /run/greylist.sock or inet:8892@127.0.0.1',
  text => {
    parseListenAddress(text);
    return text;
  },
  { type: 'string' },
);

const filterName = scalar('a name', parseFilterName, { type: 'string' });

export function parseFilterName(text: string): string {
  if (!/^[a-z0-9][\w.-]{0,63}$/i.test(text))
    throw new RangeError(`'${text}' is not a name: expected at most 64 letters, digits and any of . _ -`);
  return text;
}

const localPart = scalar('the part of an address before the @', text => {
  if (!/^[^\s@]{1,64}$/.test(text)) throw new RangeError('expected the part of an address before the @');
  return text.toLowerCase();
});

const sections: Schema<Config> = z.strictObject({
  name: filterName.prefault('milter-greylist').describe('Stands in the headers that the daemon adds to messages.'),
  socket: listOf(listenAddress, { least: 1 })
    .prefault(['inet:8892@127.0.0.1'])
    .describe('Where the mail server connects: `/path`, `unix:/path`, `inet:port@host`, `inet6:port@host`, `fd:3`.'),
  socketMode: octalMode().prefault('0660').describe('Permissions of unix sockets.'),
  socketGroup: line('a group')
    .optional()
    .describe('Group of unix sockets. Default: `postfix`, if started as root and there is such a group.'),
  user: line('user or user:group')
    .optional()
    .describe('Whom root becomes once the sockets are there. Default: nobody else.'),
  database: path(':memory:')
    .optional()
    .describe('Database file, or `:memory:`. Default: `greylist.db` in the state directory, told at start.'),
  synchronous: choice(['normal', 'full'])
    .prefault('normal')
    .describe('Whether a power cut may lose the last commits (`normal`) or none (`full`, slower).'),
  log: section(logSchema).describe('The log, on standard error.'),
  history: whole(0, 1_000_000)
    .prefault('10000')
    .describe(
      'How many of the last decisions `milter-greylist explain --id` can tell about; with 0 those of before are removed too.',
    ),
  onFailure: choice(['accept', 'tempfail'])
    .prefault('accept')
    .describe('What becomes of a recipient if the greylist or its database fails.'),
  acceptLocal: boolean()
    .prefault('true')
    .describe(
      'Accept loopback and private clients unasked. Turn it off where a proxy or NAT makes every client private.',
    ),
  acceptAuthenticated: boolean().prefault('true').describe('Accept clients that have logged in unasked.'),
  exempt: listOf(localPart)
    .prefault([...defaultExempt])
    .describe('Local parts of recipients that are never greylisted nor refused by blocklists.'),
  originating: listOf(line('a daemon name'))
    .prefault(['ORIGINATING'])
    .describe("Listeners of the mail server (its `{daemon_name}`) for one's own users: nothing is looked up there."),
  greylist: section(greylistSchema).describe('The greylist.'),
  rules: rulesSchema.prefault([]).describe('Conditions, and what to do where they hold; the first that holds decides.'),
  optIn: optSchema
    .optional()
    .describe('Greylist only these recipients: addresses and domains, or `recipients` and `except`.'),
  optOut: optSchema.optional().describe('Greylist all recipients but these, written like `optIn`.'),
  whitelist: section(listSchema).describe('What is accepted without further question.'),
  blacklist: section(listSchema).describe('What is refused, with 550 5.7.1.'),
  dnsbl: section(dnsblSchema).describe('DNS blocklists.'),
  spf: choice(['off', 'bypass', 'key'])
    .prefault('off')
    .describe(
      "Clients that the sender's domain lets send in its name: `bypass` accepts them, `key` greylists them by that domain instead of their network.",
    ),
  dns: section(dnsSchema).describe('The resolver.'),
  learning: section(learningSchema).describe('What is learned from what was seen.'),
  replies: section(repliesSchema).describe(
    'What clients are told. Templates take `{WAIT}` (seconds), `{TIME}` (HH:MM:SS), `{ADDR}`, `{DNSBL}`, `{SENDER}`, `{RECIPIENT}` and `{ID}`.',
  ),
});

export const fileSchema: Schema<Config> = sections.check(together);
