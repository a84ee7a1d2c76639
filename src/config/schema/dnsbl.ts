/**
 * `dnsbl`: the blocklists, what they must say for a client to be listed, and what becomes of it then.
 */
import * as z from 'zod';
import type { Policy } from '../../dnsbl/ballot.ts';
import { checkBlocklists } from '../../dnsbl/blocklists.ts';
import { Zone, type ZoneOptions } from '../../dnsbl/zone.ts';
import { ZoneError } from '../../dnsbl/zone-error.ts';
import { compileReplyText } from '../../policy/reply-text.ts';
import { boolean, choice, KeyError, line, listOf, parsed, type Schema, scalar, whole } from './values.ts';

export interface DnsblConfig {
  /** In the order in which they are named to clients. May hold keys: never show them as they are. */
  readonly zones: readonly ZoneOptions[];
  readonly policy: Policy;
  /** Refuse listed clients, or only tag their mail. */
  readonly action: 'reject' | 'tag';
}

const spec = line('a zone, such as zen.spamhaus.org=127.0.0.[2..11;30]*2');

/** Checks a zone by itself; all zones together are checked later. */
const checked = (options: ZoneOptions): ZoneOptions => {
  const { reply } = Zone.parse(options);
  compileReplyText('message', reply.message);
  return options;
};

const full = z.strictObject({
  zone: spec.describe('The zone, as in the short form: `domain[=filter][*weight]`.'),
  filters: listOf(line('a filter, such as 127.0.0.[2..11] or &2'))
    .optional()
    .describe('More filters, each with its own `*weight` if need be.'),
  weight: whole(-999_999, 999_999)
    .optional()
    .describe('What a listing weighs under a score, for filters that do not say; negative for an allow list.'),
  message: line('the text of a reply')
    .optional()
    .describe('The reply to clients that it lists. Default: `Rejected. Address {ADDR} found in {DNSBL}`.'),
  code: whole(400, 599).optional().describe('The SMTP code of that reply. Default: 550.'),
  enhanced: line('an enhanced status code, such as 5.7.1')
    .optional()
    .describe('Its enhanced status code. Default: 5.7.1, or 4.7.1 with a code below 500.'),
  ipv6: boolean()
    .optional()
    .describe('Whether it lists IPv6 addresses. Default: it is asked, and need not have a test entry for them.'),
  publicName: line('a name').optional().describe('What clients and log see in place of the zone.'),
  testEntries: boolean()
    .optional()
    .describe('Whether it has the test entries of RFC 5782, which show that it works. Default: true.'),
  force: boolean().optional().describe('Ask it even if it is known to be dead.'),
});

const zone: Schema<ZoneOptions> = z.union([
  parsed(spec, text => checked({ zone: text })),
  parsed(full, ({ testEntries, ...options }) => checked(defined({ ...options, selfTest: testEntries }))),
]);

const threshold = scalar(
  'any, all, majority, a number of zones, or score: N',
  (text): Policy => {
    if (text === 'any' || text === 'all' || text === 'majority') return text;
    if (/^[1-9]\d{0,3}$/.test(text)) return { atLeast: Number(text) };
    throw new RangeError('expected any, all, majority, a number of zones, or score: N');
  },
  { type: ['string', 'integer'], pattern: '^(any|all|majority|[1-9]\\d{0,3})$', minimum: 1 },
);

const keys = z.strictObject({
  zones: listOf(zone).prefault([]).describe('The blocklists to ask.'),
  policy: z
    .union([
      threshold,
      z.strictObject({ score: whole(1, 999_999).describe('What the weights of all listings must come to.') }),
    ])
    .prefault('any')
    .describe('How many of them must list a client.'),
  action: choice(['reject', 'tag'])
    .prefault('reject')
    .describe('Refuse listed clients, or only add `X-RBL-Warning` to their messages.'),
});

export const dnsblSchema: Schema<DnsblConfig> = parsed(keys as Schema<DnsblConfig>, value => {
  try {
    checkBlocklists(value);
  } catch (error) {
    if (!(error instanceof ZoneError)) throw error;
    const policy = /^policy: (?<problem>.*)/.exec(error.message)?.groups?.problem;
    throw new KeyError([policy === undefined ? 'zones' : 'policy'], policy ?? error.message);
  }
  return value;
});

/** Without the keys that have no value. */
function defined(options: { readonly [K in keyof ZoneOptions]: ZoneOptions[K] | undefined }): ZoneOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
