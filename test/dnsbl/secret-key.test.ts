import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { maskKeys } from '../../src/dnsbl/secret-key.ts';
import { Zone } from '../../src/dnsbl/zone.ts';
import { zoneList } from '../../src/dnsbl/zone-list.ts';
import { processorTime } from '../support/processor-time.ts';

const key = 'k3yk3yk3yk3yk3yk3yk3yk3yk3';

test('a zone with a key is shown without it, and asked with it', () => {
  const zone = Zone.parse(`${key}.zen.dq.spamhaus.net=127.0.0.[2..11]`);
  assert.equal(zone.name, 'zen.dq.spamhaus.net');
  assert.equal(zone.queryName('2.0.0.127'), `2.0.0.127.${key}.zen.dq.spamhaus.net`);
  assert.equal(Zone.parse(`${key}.combined.mail.abusix.zone`).name, 'combined.mail.abusix.zone');
});

test('a public name hides the domain altogether, also in texts from elsewhere', () => {
  const zone = Zone.parse({ zone: 'not-a-key.lists.example.com', publicName: 'lists.example.com' });
  assert.equal(
    zone.mask('no answer for 2.0.0.127.Not-A-Key.lists.example.com.'),
    'no answer for 2.0.0.127.lists.example.com.',
  );
});

test('a key of a service that is not known is found by its looks', () => {
  assert.equal(Zone.parse(`${key}.bl.example.com`).name, 'bl.example.com');
});

test('a key in the wrong place is an error that does not tell it', () => {
  for (const text of [
    'zen.dq.spamhaus.net',
    `${key}.dq.spamhaus.net`,
    `a.${key}.zen.dq.spamhaus.net`,
    `${key}_x.zen.dq.spamhaus.net`,
    'short.zen.dq.spamhaus.net',
  ])
    assert.throws(
      () => Zone.parse(text),
      (error: Error) => /zone ".*": (expected KEY|the key)/.test(error.message) && !/k3y|short\b/.test(error.message),
      text,
    );
});

test('no error about a mistyped specification tells the key', () => {
  const mistakes = fc.tuple(
    fc.stringMatching(/^[a-z0-9]{8,40}$/),
    fc.constantFrom('.zen.dq.spamhaus.net', '.ZEN.dq.spamhaus.NET', '.combined.mail.abusix.zone', '.dq.spamhaus.net'),
    fc.string({ maxLength: 12 }),
    fc.boolean(),
  );
  fc.assert(
    fc.property(mistakes, ([secret, service, noise, upper]) => {
      fc.pre(!service.toLowerCase().includes(secret) && !noise.includes(secret));
      const shown = upper ? secret.toUpperCase() : secret;
      try {
        const zone = Zone.parse(`${shown}${service}${noise}`);
        assert.ok(!leaks(JSON.stringify(zone), secret));
        assert.ok(!leaks(inspect(zone, { depth: 9, showHidden: true }), secret));
        assert.ok(!leaks(String(zone.name), secret));
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assert.ok(!leaks(String(error), secret), String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a contradiction between two entries of one list is told without its key', () => {
  const zone = `${key}.zen.dq.spamhaus.net`;
  assert.throws(
    () => zoneList([`${zone}=127.0.0.2`, `${zone}=127.0.0.2`]),
    (error: Error) => error.message.includes('zone "zen.dq.spamhaus.net"') && !leaks(error.message, key),
  );
});

test('texts without a key stay as they are', () => {
  for (const text of ['2.0.0.127.zen.spamhaus.org', 'timeout after 1500 ms', '7.0.0.0.b.d.0.1.0.0.2.ip6.arpa'])
    assert.equal(maskKeys(text), text);
});

function leaks(text: string, secret: string): boolean {
  return text.toLowerCase().includes(secret.toLowerCase());
}

test('long texts are masked in a moment, whatever they hold', () => {
  const long = 100_000;
  for (const text of [
    '9'.repeat(long),
    'a.'.repeat(long),
    '*'.repeat(long),
    '"'.repeat(long),
    `${'9'.repeat(long)}.dq.spamhaus.org`,
    `${'a.'.repeat(long)}dq.spamhaus.net`,
    'x.dq.spamhaus.'.repeat(long / 10),
  ]) {
    const used = processorTime();
    maskKeys(text);
    const took = used();
    assert.ok(took < 2_000, `${took} ms for ${text.slice(0, 20)}…`);
  }
});
