/**
 * `rules`: conditions and what to do where they hold, in order (`docs/rules.md`).
 */
import * as z from 'zod';
import { isDomainName } from '../../lists/domain-name.ts';
import type { Conditions, DnsblCondition, Ending, Rule } from '../../policy/rules/rule.ts';
import { parseTimeSpan } from '../../policy/rules/time-span.ts';
import type { Header } from '../../policy/verdict.ts';
import { spfResults } from '../../spf/spf.ts';
import { heloName, hostName, mailAddress, network, someOf, word } from './patterns.ts';
import { template } from './replies.ts';
import {
  boolean,
  choice,
  duration,
  KeyError,
  line,
  listOf,
  parsed,
  type Schema,
  scalar,
  throwAll,
  whole,
} from './values.ts';

type Part = Partial<DnsblCondition>;

const dnsblPart: Schema<Part> = z.union([
  scalar(
    'listed, clear, or the name of a zone',
    (text): Part => {
      if (text === 'listed' || text === 'clear') return { outcomes: [text] };
      if (text.includes('.') && isDomainName(text)) return { zones: [text] };
      throw new RangeError('expected listed, clear, or the name of a zone');
    },
    { type: 'string' },
  ),
  parsed(
    z.strictObject({
      listings: whole(1, 99).optional().describe('At least so many zones list the client.'),
      score: whole(-9_999, 9_999).optional().describe('The weights of its listings come to at least so much.'),
    }),
    ({ listings, score }): Part => {
      if ((listings === undefined) === (score === undefined))
        throw new RangeError('expected one of listings and score');
      return listings === undefined ? { score: score as number } : { listings };
    },
  ),
]);

const dnsbl: Schema<DnsblCondition> = listOf(dnsblPart).transform(parts => ({
  outcomes: parts.flatMap(({ outcomes = [] }) => outcomes),
  zones: parts.flatMap(({ zones = [] }) => zones),
  ...Object.assign({}, ...parts.map(({ outcomes: _outcomes, zones: _zones, ...more }) => more)),
}));

const tls = z.strictObject({
  version: someOf('word', word).optional().describe('Such as TLSv1.3.'),
  cipher: someOf('word', word).optional().describe('The cipher, in the words of the mail server.'),
  bits: whole(1, 4_096).optional().describe('At least so many bits of secret.'),
  subject: someOf('word', word)
    .optional()
    .describe("The name in the client's certificate, which need not have been verified."),
  issuer: someOf('word', word).optional().describe('Who issued it.'),
});

const macroName = z
  .string()
  .regex(/^(?:\{[\w.-]{2,64}\}|[\w.-]{1,64})$/, { error: 'expected the name of a macro, such as daemon_name' });

const shape = {
  client: someOf('client', network).optional().describe("The client's address: addresses and networks."),
  name: someOf('name', hostName)
    .optional()
    .describe("The client's name, which must lead back to its address: `mail.example.net`, `.example.com`."),
  unverified: boolean().optional().describe("With `name`: take the mail server's word for it."),
  helo: someOf('helo', heloName).optional().describe('The name in HELO: written like `name`, or as `[192.0.2.7]`.'),
  sender: someOf('mail', mailAddress)
    .optional()
    .describe('`user@example.net`, `@example.net`, `@.example.net` (with all below it), `user@`, `<>`.'),
  recipient: someOf('mail', mailAddress).optional().describe('Written like `sender`.'),
  auth: z
    .union([boolean(), someOf('word', word)])
    .optional()
    .describe('Whether the client has logged in, or as whom.'),
  tls: z.union([boolean(), tls]).optional().describe('Whether the session is encrypted, or how.'),
  spf: listOf(choice(spfResults)).optional().describe('The SPF result of the sender.'),
  dnsbl: dnsbl
    .optional()
    .describe('What the blocklists say: `listed`, `clear`, a zone that lists the client, `listings: N` or `score: N`.'),
  macro: z
    .record(macroName, z.union([boolean(), someOf('word', word)]))
    .optional()
    .describe('Macros of the mail server, by name without braces: whether set, or one of these values.'),
  time: listOf(scalar('a span of time such as mon-fri 08:00-18:00', parseTimeSpan, { type: 'string' }))
    .optional()
    .describe('Local time: `mon-fri 08:00-18:00`, `sat,sun`, `22:00-06:00`.'),
};

const inner: Schema<Conditions> = parsed(z.strictObject(shape), checkConditions);
const conditions: Schema<Conditions> = parsed(
  z.strictObject({ ...shape, not: listOf(inner).optional().describe('None of these may hold.') }),
  checkConditions,
);

function checkConditions({ macro, ...given }: Conditions): Conditions {
  const errors: KeyError[] = [];
  if (given.unverified !== undefined && given.name === undefined) {
    errors.push(new KeyError(['unverified'], 'stands without name, which it is about'));
  }
  for (const key of ['spf', 'dnsbl', 'time', 'not'] as const) {
    const value = given[key];
    const empty = key === 'dnsbl' ? isEmpty(given.dnsbl) : Array.isArray(value) && value.length === 0;
    if (empty) errors.push(new KeyError([key], 'is empty: expected at least one value'));
  }
  throwAll(errors);
  if (macro === undefined) return given;
  return { ...given, macro: Object.fromEntries(Object.entries(macro).map(([name, wanted]) => [bare(name), wanted])) };
}

function isEmpty(condition: DnsblCondition | undefined): boolean {
  if (condition === undefined) return false;
  const { outcomes, zones, listings, score } = condition;
  return outcomes.length + zones.length === 0 && listings === undefined && score === undefined;
}

function bare(name: string): string {
  return name.replace(/^\{|\}$/g, '');
}

type Refusal = Extract<Ending, { action: 'reject' | 'defer' }>;

const refusal = (action: Refusal['action'], code: number, enhanced: string, text: string): Schema<Refusal> => {
  const [least, most] = action === 'reject' ? [500, 599] : [400, 499];
  return parsed(
    z.strictObject({
      code: whole(least, most).prefault(String(code)).describe('The SMTP code.'),
      enhanced: line('an enhanced status code, such as 5.7.1').prefault(enhanced).describe('The enhanced status code.'),
      text: template().prefault(text).describe('The text; a template.'),
    }),
    given => {
      if (!/^[45]\.\d{1,3}\.\d{1,3}$/.test(given.enhanced) || given.enhanced[0] !== String(given.code)[0]) {
        throw new KeyError(['enhanced'], `expected a code such as ${enhanced}, of the class of ${given.code}`);
      }
      if (given.code === 421) throw new KeyError(['code'], 'expected another code: 421 ends the whole session');
      return { action, ...given };
    },
  );
};

const rejection = refusal('reject', 550, '5.7.1', 'Rejected by local policy');
const deferral = refusal('defer', 451, '4.7.1', 'Deferred by local policy, please come back later');
const actions = ['accept', 'greylist', 'reject', 'defer'] as const;

/** A header's name (RFC 5322 section 2.2) and value. */
const header: Schema<Header> = z.strictObject({
  name: scalar(
    'the name of a header',
    text => {
      if (!/^[!-9;-~]{1,70}$/.test(text)) throw new RangeError('expected the name of a header, without the colon');
      return text;
    },
    { type: 'string' },
  ).describe('Its name.'),
  value: template().describe('Its value; a template.'),
});

interface Step {
  readonly ending?: Ending;
  readonly header?: Header;
}

const step: Schema<Step> = z.union([
  choice(actions).transform((action): Step => {
    if (action === 'reject') return { ending: rejection.parse({}) };
    if (action === 'defer') return { ending: deferral.parse({}) };
    return { ending: { action } };
  }),
  parsed(
    z.strictObject({
      greylist: z
        .strictObject({
          delay: duration({ positive: true }).optional().describe('How long a new triplet waits.'),
          reply: template().optional().describe('The text of the 451 4.7.1; a template.'),
        })
        .optional()
        .describe('Greylist, with its own delay or reply.'),
      reject: rejection.optional().describe('Refuse, with its own code or text.'),
      defer: deferral.optional().describe('Answer 4xx, with its own code or text.'),
      header: header.optional().describe('Add a header to the message, should it pass, and go on.'),
    }),
    ({ greylist, ...given }): Step => {
      const greylisting = greylist && ({ action: 'greylist', ...greylist } as Ending);
      const all: Step[] = [greylisting, given.reject, given.defer].flatMap(ending => (ending ? [{ ending }] : []));
      if (given.header) all.push({ header: given.header });
      const [only] = all;
      if (only === undefined || all.length > 1)
        throw new RangeError('expected one of greylist, reject, defer and header');
      return only;
    },
  ),
]);

const rule = parsed(
  z.strictObject({
    name: line('a name').optional().describe('For the log. Default: `rule` and its number.'),
    if: conditions.optional().describe('All of these must hold. Default: it always does.'),
    // biome-ignore lint/suspicious/noThenProperty: the key of the file
    then: listOf(step).describe(
      '`accept`, `greylist`, `reject`, `defer`, or one of these with details; headers before it.',
    ),
    monitor: boolean().prefault('false').describe('Only tell the log what would have been done, and go on.'),
  }),
  ({ name, if: given = {}, then: steps, monitor }) => {
    const endings = steps.flatMap(({ ending }) => (ending ? [ending] : []));
    const headers = steps.flatMap(each => (each.header ? [each.header] : []));
    const [ending, second] = endings;
    if (second !== undefined)
      throw new KeyError(['then'], `expected one ending, found ${ending?.action} and ${second.action}`);
    if (ending === undefined && headers.length === 0) throw new KeyError(['then'], 'is empty: expected what to do');
    return { name, conditions: given, headers, monitor, ...(ending && { ending }) };
  },
);

export const rulesSchema: Schema<readonly Rule[]> = parsed(listOf(rule), rules => {
  const named = rules.map((each, index): Rule => {
    const name = each.name ?? `rule ${index + 1}`;
    return { ...each, name, at: `rules[${index}]` };
  });
  const first = new Map<string, number>();
  const doubled: KeyError[] = [];
  for (const [index, { name }] of named.entries()) {
    const before = first.get(name);
    if (before === undefined) first.set(name, index);
    else if (rules[index]?.name !== undefined)
      doubled.push(new KeyError([index, 'name'], `another rule has this name, rules[${before}]`));
    else doubled.push(new KeyError([index], `rules[${before}] has its name, ${name}: expected a name of its own`));
  }
  throwAll(doubled);
  return named;
});
