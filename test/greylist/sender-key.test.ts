import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalizeAddress } from '../../src/greylist/mail-address.ts';
import { senderKey } from '../../src/greylist/sender-key.ts';
import { hostile } from '../support/hostile-text.ts';
import { processorTime } from '../support/processor-time.ts';

const joe = 'joe@example.org';

interface Vector {
  /** Senders that are one, as strangers send them. */
  readonly senders: readonly string[];
  readonly key: string;
  readonly recipient?: string;
}

const vectors: Readonly<Record<string, readonly Vector[]>> = {
  'people keep their addresses': [
    { senders: ['a@example.net'], key: 'a@example.net' },
    { senders: ['john.smith@example.net', 'John.Smith@EXAMPLE.NET.'], key: 'john.smith@example.net' },
    { senders: ['anna-lena_o.hara@example.net'], key: 'anna-lena_o.hara@example.net' },
    { senders: ["o'brien@example.net"], key: "o'brien@example.net" },
    { senders: ['smith42@example.net'], key: 'smith42@example.net' },
    { senders: ['christopher1992@example.net'], key: 'christopher1992@example.net' },
    { senders: ['b2b@example.net'], key: 'b2b@example.net' },
    { senders: ['facade@example.net'], key: 'facade@example.net' },
    { senders: ['john.ed@example.net'], key: 'john.ed@example.net' },
    { senders: ['müller7@example.net'], key: 'müller7@example.net' },
    { senders: ['turbo-deals@example.net'], key: 'turbo-deals@example.net' },
    { senders: ['"a 1"@example.net'], key: '"a 1"@example.net' },
    { senders: ['postmaster'], key: 'postmaster' },
    { senders: ['joe@example.org'], key: 'joe@example.org' },
  ],
  'the domain is compared in A-labels, and its digits count': [
    {
      senders: ['a@M\u00dcNCHEN.example', 'a@münchen.example.', 'a@xn--mnchen-3ya.example'],
      key: 'a@xn--mnchen-3ya.example',
    },
    { senders: ['a@4711.example.net'], key: 'a@4711.example.net' },
    { senders: ['a@4712.example.net'], key: 'a@4712.example.net' },
  ],
  'the null sender is its own': [
    { senders: ['', '<>'], key: '' },
    { senders: ['@example.net'], key: '@example.net' },
  ],
  'a signature of the sender is taken off, wherever it stands (BATV)': [
    {
      senders: [
        'prvs=0123abcdef=john@example.net',
        'prvs=4567fedcba=john@example.net',
        'PRVS=john=0123ABCDEF@example.net',
      ],
      key: 'john@example.net',
    },
    // Some systems make tags that the draft does not know.
    { senders: ['prvs=abcdefghij=john@example.net', 'prvs=john=a1b2c3d4e5@example.net'], key: 'john@example.net' },
    // Both could be a tag: the one that looks like the draft's is.
    {
      senders: ['prvs=newsletter=0123abcdef@example.net', 'prvs=0123abcdef=newsletter@example.net'],
      key: 'newsletter@example.net',
    },
    // Both or neither: the tag comes first.
    {
      senders: ['prvs=abcdefghij=newsletter@example.net'],
      key: 'newsletter@example.net',
    },
    { senders: ['prvs=0123abcdef=bounces-john=example.com@example.net'], key: 'bounces-#@example.net' },
    {
      senders: ['btv1==0123abc==john@example.net', 'btv1==9==prvs=0123abcdef=john@example.net'],
      key: 'john@example.net',
    },
    { senders: ['prvs=john@example.net'], key: 'prvs=john@example.net' },
    { senders: ['prvs==@example.net'], key: 'prvs==@example.net' },
    { senders: ['prvs=0123abcdef=@example.net', 'prvs==0123abcdef@example.net'], key: '#@example.net' },
  ],
  "forwarders' hashes and timestamps are masked (SRS)": [
    {
      senders: [
        'SRS0=HHH=TT=example.com=john@example.net',
        'srs0+x7Yk=2B=example.com=john@example.net',
        'SRS0-aB+c=44=example.com=john@example.net',
      ],
      key: 'srs0=#=#=example.com=john@example.net',
    },
    {
      senders: [
        'SRS1=HHH=relay.example==hhh=TT=example.com=john@example.net',
        'SRS1+Zz9=relay.example=+qq1=2C=example.com=john@example.net',
        'SRS1-Zz9=relay.example=-qq1=2C=example.com=john@example.net',
      ],
      key: 'srs1=#=relay.example==#=#=example.com=john@example.net',
    },
    {
      senders: [
        'SRS0=HHH=TT=example.com=prvs=0123abcdef=news-17+x@example.net',
        'SRS0=Hxx=T2=example.com=prvs=0124abcdef=news-18+y@example.net',
      ],
      key: 'srs0=#=#=example.com=news-#@example.net',
    },
    {
      senders: ['prvs=0123abcdef=srs0=h=t=example.com=john@example.net'],
      key: 'srs0=#=#=example.com=john@example.net',
    },
    { senders: ['bounces+SRS=k1ab/=3X@example.net', 'bounces+SRS=zzzzz=3Y@example.net'], key: 'bounces@example.net' },
    { senders: ['srs0=incomplete@example.net'], key: 'srs0=incomplete@example.net' },
  ],
  'what follows a plus is taken off': [
    { senders: ['john+lists@example.net', 'john+@example.net'], key: 'john@example.net' },
    { senders: ['list-bounces+joe=example.org@example.net'], key: 'list-bounces@example.net' },
    { senders: ['john+caf_=joe=example.org@example.net'], key: 'john@example.net' },
    { senders: ['+john@example.net'], key: '+john@example.net' },
  ],
  'the recipient in the sender is masked': [
    {
      senders: ['owner-joe=example.org@example.net', 'owner-joe~example.org@example.net'],
      key: 'owner-{rcpt}@example.net',
    },
    { senders: ['joe=example.org@example.net', 'example-org=joe@example.net'], key: '{rcpt}@example.net' },
    { senders: ['list.example.org*joe@example.net'], key: 'list.{rcpt}@example.net' },
    { senders: ['joe-returns@example.net'], key: '{rcpt}-returns@example.net' },
    {
      senders: ['Owner-Joe.Blow=EXAMPLE.org@example.net'],
      recipient: '<joe.blow+x@Example.org.>',
      key: 'owner-{rcpt}@example.net',
    },
    // Only whole words of it.
    { senders: ['alpha.beta@example.net'], recipient: 'a@example.org', key: 'alpha.beta@example.net' },
    { senders: ['joe@example.net'], key: 'joe@example.net' },
    { senders: ['x-(joe)@example.net'], recipient: '(joe)@example.org', key: 'x-(joe)@example.net' },
  ],
  'what follows bounce and its like is masked': [
    { senders: ['bounce-xkcd@example.net', 'bounce-3.joe=example.org@example.net'], key: 'bounce-#@example.net' },
    { senders: ['bo-abc@example.net', 'BO-def.ghi@example.net'], key: 'bo-#@example.net' },
    { senders: ['notice-return-abc@example.net', 'notice-return-xyz@example.net'], key: 'notice-return-#@example.net' },
    { senders: ['noticereply.abc@example.net'], key: 'noticereply.#@example.net' },
    { senders: ['list_bounces_abc@example.net'], key: 'list_bounces_#@example.net' },
    { senders: ['bounce@example.net'], key: 'bounce@example.net' },
    { senders: ['bounce-@example.net'], key: 'bounce-@example.net' },
  ],
  'numbers are masked, in decimal and hexadecimal': [
    {
      senders: ['news-20261121@example.net', 'news-7@example.net', 'news-7-8.9@example.net'],
      key: 'news-#@example.net',
    },
    { senders: ['list-return-12-joe=example.org@example.net'], key: 'list-return-#-{rcpt}@example.net' },
    { senders: ['1234@example.net', '5678@example.net'], key: '#@example.net' },
    { senders: ['deadbeef@example.net', '0badcafe@example.net'], key: '#@example.net' },
    { senders: ['0a1b-newsletter@example.net', 'f9-newsletter@example.net'], key: '#-newsletter@example.net' },
    { senders: ['list.1f.x@example.net', 'list.2e.x@example.net'], key: 'list.#.x@example.net' },
    { senders: ['bounces123456@example.net', 'bounces987654321@example.net'], key: 'bounces#@example.net' },
    { senders: ['550e8400-e29b-41d4-a716-446655440000@example.net'], key: '#@example.net' },
  ],
  'tokens that mix letters and digits are masked': [
    { senders: ['x7k2m9@example.net', 'q1w2e3r4@example.net'], key: '#@example.net' },
    { senders: ['u-k3xqwertyzuiop@example.net', 'u-9qwertzuiopas@example.net'], key: 'u-#@example.net' },
  ],
  "providers' senders become one": [
    {
      // Amazon SES
      senders: [
        '0100018f3c2ab7d1-5b0e7a3c-91d2-4c8e-8a55-3f1d2e4b6a7c-000000@eu.example.net',
        '0102019a44c1d0e2-0f9e8d7c-1234-4abc-9def-aabbccddeeff-000000@eu.example.net',
      ],
      key: '#@eu.example.net',
    },
    {
      // Mailchimp
      senders: [
        'bounce-mc.us1_12345.67890-joe=example.org@mail.example.net',
        'bounce-mc.us20_98765.43210-joe=example.org@mail.example.net',
      ],
      key: 'bounce-#@mail.example.net',
    },
    {
      // Mandrill
      senders: [
        'bounce-md_30123456.5f0a1b2c.v1-9e107d9d372bb6826bd81d3542a419d6@mandrill.example.net',
        'bounce-md_30123456.5f0a1b2d.v1-e4d909c290d0fb1ca068ffaddf22cbd0@mandrill.example.net',
      ],
      key: 'bounce-#@mandrill.example.net',
    },
    {
      // SendGrid
      senders: [
        'bounces+1234567-1a2b-joe=example.org@em.example.net',
        'bounces+1234567-9f8e-joe=example.org@em.example.net',
      ],
      key: 'bounces@em.example.net',
    },
    {
      // SparkPost
      senders: [
        'msprvs1=17xrlfPu3GsR=bounces-12345-1@bounces.example.net',
        'msprvs1=18a7Qk2mZx9T=bounces-12345-2@bounces.example.net',
      ],
      key: 'msprvs1=#=bounces-#@bounces.example.net',
    },
    {
      // Mailgun
      senders: [
        'bounce+0d1e2f.3a4b5c-joe=example.org@mg.example.net',
        'bounce+ffffff.000000-joe=example.org@mg.example.net',
      ],
      key: 'bounce@mg.example.net',
    },
    {
      // ezmlm
      senders: ['list-return-4711-joe=example.org@example.net', 'list-return-4712-joe=example.org@example.net'],
      key: 'list-return-#-{rcpt}@example.net',
    },
  ],
};

for (const [title, rows] of Object.entries(vectors)) {
  test(title, () => {
    for (const { senders, key, recipient = joe } of rows) {
      for (const sender of senders) {
        assert.equal(senderKey(sender, recipient), key, sender);
        if (sender !== '<>') assert.equal(senderKey(`<${sender}>`, recipient), key, `<${sender}>`);
        assert.equal(senderKey(key, recipient), key, `${key} again`);
      }
    }
  });
}

/** Senders made of what the rules look for. */
const piece = fc.oneof(
  fc.constantFrom(
    'prvs=',
    'btv1==',
    'srs0=',
    'SRS0+',
    'srs1-',
    'bounce',
    'bo',
    'notice-return',
    '#',
    '{rcpt}',
    'joe',
    'example.org',
  ),
  fc.constantFrom(
    '0123abcdef',
    'abcdefghij',
    'deadbeef',
    '123456',
    '1a',
    'x7k2m9',
    'é',
    '\u3002',
    '"',
    '<',
    '>',
    '\n',
    '\ud800',
  ),
  fc.constantFrom('.', '_', '-', '=', '==', '+', '*', '/', '~', '@', 'a', 'Z', '7'),
  fc.string({ maxLength: 3 }),
);
const sender = fc.oneof(
  { weight: 5, arbitrary: fc.array(piece, { maxLength: 14 }).map(parts => parts.join('')) },
  hostile,
);
const recipient = fc.oneof(
  fc.constantFrom(joe, 'a@b', 'rcpt@rcpt', '{@}', '1@2', '{rcpt}@x', 'bounce@prvs', 'srs0@a.b-c.d', '', 'x'),
  sender,
);

test('a key is its own key, empty for the null sender alone, and always has a local part', () => {
  fc.assert(
    fc.property(sender, recipient, (text, to) => {
      const key = senderKey(text, to);
      // Brackets within brackets are the only thing that another go takes off.
      if (!/^<.*>$/s.test(normalizeAddress(text))) assert.equal(senderKey(key, to), key);
      assert.equal(key === '', normalizeAddress(text) === '');
      if (normalizeAddress(text).lastIndexOf('@') !== 0) assert.notEqual(key.lastIndexOf('@'), 0, key);
    }),
    { numRuns: 20_000 },
  );
});

test('case, brackets and dots at the end never matter', () => {
  fc.assert(
    fc.property(sender, recipient, (text, to) => {
      const normalized = normalizeAddress(text);
      fc.pre(normalizeAddress(normalized) === normalized);
      assert.equal(senderKey(normalized, to), senderKey(text, to));
    }),
    { numRuns: 5_000 },
  );
});

test('senders of two domains are never one', () => {
  fc.assert(
    fc.property(sender, recipient, (text, to) => {
      const local = text.replaceAll('@', '');
      assert.notEqual(senderKey(`${local}x@a.example`, to), senderKey(`${local}x@b.example`, to));
    }),
  );
});

test('a sender made to be slow is not', () => {
  const long = 80;
  const nasty = [
    'prvs=a='.repeat(long),
    'btv1==a=='.repeat(long),
    `srs0=${'='.repeat(long)}`,
    `srs1=a=b==${'a='.repeat(long)}`,
    'bounce'.repeat(long),
    'a.'.repeat(long),
    '=?*~.'.repeat(long),
    `joe${'=~'.repeat(long)}`,
    '#-'.repeat(long),
    'notice-'.repeat(long),
    '1'.repeat(long),
    'a1'.repeat(long),
    '.'.repeat(long),
  ];
  for (const local of nasty.flatMap(text => [text.slice(0, 512), text.repeat(100)])) {
    const used = processorTime();
    for (let round = 0; round < 20; round++) senderKey(`${local}@example.net`, joe);
    const each = used() / 20;
    assert.ok(each < 20, `${local.slice(0, 20)}… took ${each} ms`);
  }
});
