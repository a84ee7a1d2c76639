import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { matches } from '../../src/dnsbl/filter.ts';
import { Zone, type ZoneOptions } from '../../src/dnsbl/zone.ts';
import { ZoneError } from '../../src/dnsbl/zone-error.ts';

function rules(zone: Zone): readonly (readonly [filter: string | undefined, weight: number])[] {
  return zone.rules.map(({ filter, weight }) => [filter?.text, weight]);
}

describe("Postfix's syntax", () => {
  test('a bare domain counts every answer once', () => {
    const zone = Zone.parse('bl.example.org');
    assert.deepEqual(rules(zone), [[undefined, 1]]);
    assert.equal(zone.name, 'bl.example.org');
    assert.equal(zone.queryName('7.113.0.203'), '7.113.0.203.bl.example.org');
    assert.deepEqual([zone.ipv6, zone.selfTest, zone.forced], ['auto', true, false]);
  });

  test('filter and weight are taken', () => {
    assert.deepEqual(rules(Zone.parse('zen.spamhaus.org=127.0.0.[2..11;30]*2')), [['127.0.0.[2..11;30]', 2]]);
    assert.deepEqual(rules(Zone.parse('list.dnswl.org=127.0.[2..15].[0..3]*-5')), [['127.0.[2..15].[0..3]', -5]]);
    assert.deepEqual(rules(Zone.parse('bl.example.org*3')), [[undefined, 3]]);
    assert.deepEqual(rules(Zone.parse('multi.uribl.com&2*4')), [['&2', 4]]);
  });

  test('a mark at the end or after the domain forces a zone', () => {
    for (const text of ['dnsbl.sorbs.net!', 'dnsbl.sorbs.net!=127.0.0.2*2', 'dnsbl.sorbs.net=127.0.0.2*2!'])
      assert.equal(Zone.parse(text).forced, true, text);
  });

  test('case, spaces around and a trailing dot do not matter', () => {
    const zone = Zone.parse('  BL.Example.ORG. ');
    assert.equal(zone.name, 'bl.example.org');
    assert.ok(zone.sameList(Zone.parse('bl.example.org=127.0.0.2')));
  });

  const bad: readonly (readonly [text: string, message: RegExp])[] = [
    ['', /zone "": expected a domain of at least two labels/],
    ['zen', /zone "zen": expected a domain of at least two labels/],
    ['bl..example.org', /labels of letters/],
    ['-bl.example.org', /labels of letters/],
    ['bl.example.org bl2.example.org', /labels of letters/],
    ['bl.example.org,bl2.example.org', /labels of letters/],
    [`${'a'.repeat(64)}.org`, /labels of letters/],
    [`${'abcdefg.'.repeat(25)}org`, /longer than 189/],
    ['bl.example.org=', /filter "": expected four octets/],
    ['bl.example.org=127.0.0', /filter "127\.0\.0": expected four octets/],
    ['bl.example.org=127.0.0.2.3', /filter "127\.0\.0\.2\.3": expected four octets/],
    ['bl.example.org=127.0.0.256', /"256" is not a number from 0 to 255/],
    ['bl.example.org=127.0.0.02', /"02" is not a number/],
    ['bl.example.org=127.0.0.[2..]', /"" is not a number/],
    ['bl.example.org=127.0.0.[2..3..4]', /"2\.\.3\.\.4" is not a number or a range/],
    ['bl.example.org=127.0.0.[9..2]', /the range 9\.\.2 ends before it begins/],
    ['bl.example.org=127.0.0.[2', /filter "127\.0\.0\.\[2": expected four octets/],
    ['bl.example.org=10.0.0.2', /can never match/],
    ['bl.example.org&0', /a bitmask is a number from 1 to 255/],
    ['bl.example.org&256', /a bitmask is a number from 1 to 255/],
    ['bl.example.org&3', /bit 1 means that the list refuses/],
    ['bl.example.org*', /weight "" is not a whole number/],
    ['bl.example.org*two', /weight "two" is not a whole number/],
    ['bl.example.org*1.5', /weight "1\.5" is not a whole number/],
    ['bl.example.org*0', /weight of 0 would never count/],
    ['bl.example.org*2*3', /weight "2\*3" is not a whole number/],
    ['bl.example.org!!', /expected domain/],
  ];
  for (const [text, message] of bad)
    test(`"${text.slice(0, 40)}" is refused, and the error says why`, () => {
      assert.throws(
        () => Zone.parse(text),
        (error: unknown) => error instanceof ZoneError && message.test(error.message),
      );
    });
});

describe('the object form', () => {
  test('takes everything', () => {
    const zone = Zone.parse({
      zone: 'bl.example.org',
      filters: ['127.0.0.2', '127.0.0.[4..7]*3', '&8'],
      weight: 2,
      message: 'No mail from {ADDR}',
      code: 451,
      ipv6: true,
      publicName: 'our-list',
      selfTest: false,
    });
    assert.deepEqual(rules(zone), [
      ['127.0.0.2', 2],
      ['127.0.0.[4..7]', 3],
      ['&8', 2],
    ]);
    assert.deepEqual(zone.reply, { code: 451, enhanced: '4.7.1', message: 'No mail from {ADDR}' });
    assert.deepEqual([zone.name, zone.ipv6, zone.selfTest], ['our-list', true, false]);
  });

  test("the default reply is the forerunner's", () => {
    assert.deepEqual(Zone.parse('bl.example.org').reply, {
      code: 550,
      enhanced: '5.7.1',
      message: 'Rejected. Address {ADDR} found in {DNSBL}',
    });
  });

  test('a filter of the specification comes before the others', () => {
    const zone = Zone.parse({ zone: 'bl.example.org=127.0.0.2*5', filters: ['127.0.0.3'] });
    assert.deepEqual(rules(zone), [
      ['127.0.0.2', 5],
      ['127.0.0.3', 1],
    ]);
  });

  const bad: readonly (readonly [options: Omit<ZoneOptions, 'zone'>, message: RegExp])[] = [
    [{ code: 250 }, /code 250 is not from 400 to 599/],
    [{ code: 550.5 }, /code 550\.5 is not/],
    [{ code: 550, enhanced: '4.7.1' }, /enhanced code "4\.7\.1" is not of the form 5\.n\.n/],
    [{ enhanced: '5.7' }, /enhanced code "5\.7" is not/],
    [{ weight: 0 }, /weight of 0/],
    [{ weight: 1.5 }, /weight 1\.5 is not a whole number/],
    [{ publicName: 'two words' }, /public name is printable ASCII/],
    [{ publicName: 'line\r\nbreak' }, /public name is printable ASCII/],
    [{ filters: ['127.0.0.2', '127.0.0.2*4'] }, /filter "127\.0\.0\.2" twice/],
  ];
  for (const [options, message] of bad)
    test(`${inspect(options)} is refused`, () => {
      assert.throws(() => Zone.parse({ zone: 'bl.example.org', ...options }), message);
    });
});

test('filters match numbers, ranges and sets in every octet, and bitmasks the last', () => {
  const matching = (text: string, answer: string): boolean => {
    const filter = Zone.parse(`bl.example.org${text}`).rules[0]?.filter;
    assert.ok(filter);
    return matches(filter, answer.split('.').map(Number));
  };
  for (const last of [2, 3, 11, 30]) assert.ok(matching('=127.0.0.[2..11;30]', `127.0.0.${last}`), String(last));
  for (const last of [0, 1, 12, 29, 31, 255])
    assert.ok(!matching('=127.0.0.[2..11;30]', `127.0.0.${last}`), String(last));
  assert.ok(matching('=127.0.[2..15].[0..3]', '127.0.15.0'));
  assert.ok(!matching('=127.0.[2..15].[0..3]', '127.0.16.0'));
  assert.ok(!matching('=127.0.0.2', '127.0.1.2'));
  assert.ok(matching('&6', '127.0.0.4'));
  assert.ok(matching('&6', '127.0.0.14'));
  assert.ok(!matching('&6', '127.0.0.8'));
});
