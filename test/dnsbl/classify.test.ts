import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Answer, FailureCause } from '../../src/dns/resolver.ts';
import { classify } from '../../src/dnsbl/classify.ts';
import { type AbstainCause, faultOf, type Vote } from '../../src/dnsbl/vote.ts';
import { Zone } from '../../src/dnsbl/zone.ts';
import { failed, nodata, nxdomain, records } from './support.ts';

function vote(answer: Answer, ...filters: string[]): Vote {
  return classify(answer, Zone.parse({ zone: 'bl.test', filters }).rules);
}

function cause(answer: Answer, ...filters: string[]): AbstainCause | string {
  const given = vote(answer, ...filters);
  return given.vote === 'abstain' ? given.cause : given.vote;
}

describe('answers in 127.0.0.0/8', () => {
  test('are listings, with their codes', () => {
    assert.deepEqual(vote(records('127.0.0.2')), { vote: 'listed', codes: ['127.0.0.2'], score: 1 });
    assert.deepEqual(vote(records('127.0.0.4', '127.0.0.2', '127.0.0.10'), '127.0.0.[2..4]'), {
      vote: 'listed',
      codes: ['127.0.0.4', '127.0.0.2'],
      score: 1,
    });
  });

  test('that pass no filter are no listing', () => {
    assert.deepEqual(vote(records('127.0.0.10', '127.0.0.11'), '127.0.0.[2..4]'), { vote: 'clear' });
    assert.deepEqual(vote(records('127.0.0.8'), '&6'), { vote: 'clear' });
  });

  test('count the weight of each filter once, however many of them match it', () => {
    const given = vote(
      records('127.0.0.2', '127.0.0.3', '127.0.0.10'),
      '127.0.0.[2..3]*4',
      '127.0.0.10*2',
      '127.0.0.11*9',
    );
    assert.deepEqual(given, { vote: 'listed', codes: ['127.0.0.2', '127.0.0.3', '127.0.0.10'], score: 6 });
  });
});

describe('error answers abstain, whatever else is in the reply', () => {
  for (const last of [0, 1, 250, 251, 252, 254, 255])
    test(`127.255.255.${last}`, () => {
      assert.equal(cause(records(`127.255.255.${last}`)), 'error-answer');
      assert.equal(cause(records('127.0.0.2', `127.255.255.${last}`)), 'error-answer');
      assert.equal(cause(records(`127.255.255.${last}`, '8.8.8.8')), 'error-answer');
      assert.equal(cause(records(`127.255.255.${last}`), '127.255.255.[0..255]'), 'error-answer');
    });
  for (const answer of ['127.0.0.1', '127.0.0.255', '127.0.1.255'])
    test(answer, () => {
      assert.equal(cause(records(answer)), 'refusal');
      assert.equal(cause(records('127.0.0.2', answer)), 'refusal');
    });

  test('bit 1 of a bitmask list', () => {
    assert.equal(cause(records('127.0.0.3'), '&2'), 'refusal');
    assert.equal(cause(records('127.0.0.3'), '127.0.0.3'), 'listed');
  });

  test('say in words what they mean', () => {
    const given = vote(records('127.255.255.254'));
    assert.ok(given.vote === 'abstain');
    assert.match(given.detail ?? '', /^127\.255\.255\.254: .*public resolver/);
  });
});

describe('answers that no list gives abstain', () => {
  test('outside 127.0.0.0/8, alone and beside a listing', () => {
    assert.equal(cause(records('192.0.2.80')), 'foreign-answer');
    assert.equal(cause(records('127.0.0.2', '192.0.2.80')), 'foreign-answer');
    assert.equal(cause({ ...records('192.0.2.80'), cname: true }), 'foreign-answer');
  });

  test('an alias that leads to no answer', () => {
    assert.equal(cause({ ...nodata, cname: true }), 'alias');
    assert.equal(cause({ ...nxdomain, cname: true }), 'alias');
    assert.equal(cause({ ...records(), cname: true }), 'alias');
  });

  test('an alias that leads to a listing is one', () => {
    assert.equal(cause({ ...records('127.0.0.2'), cname: true }), 'listed');
  });

  test('something that is no address', () => {
    for (const text of ['', '127.0.0', '127.0.0.2.0', '127.0.0.256', '127.0.0.x', '::1', '127.0.0.2.0.0.0'])
      assert.equal(cause(records(text)), 'malformed', text);
  });
});

describe('denials', () => {
  test('are clear', () => {
    assert.equal(cause(nxdomain), 'clear');
    assert.equal(cause(nodata), 'clear');
    assert.equal(cause({ ...nxdomain, soaOwner: 'bl.test' }), 'clear');
    assert.equal(cause(records()), 'clear');
  });

  test('from above the registered domain mean that the list is gone', () => {
    for (const soaOwner of ['', '.', 'test', 'test.'])
      assert.equal(cause({ ...nxdomain, soaOwner }), 'zone-gone', soaOwner);
  });
});

test('every failure to get an answer abstains with its cause', () => {
  const causes: readonly FailureCause[] = [
    'timeout',
    'refused-connection',
    'servfail',
    'refused',
    'rcode',
    'malformed',
    'truncated',
    'queue-full',
    'breaker-open',
    'aborted',
  ];
  for (const each of causes) assert.equal(cause(failed(each)), each);
});

test("only what is the list's own fault takes it out", () => {
  assert.deepEqual((['error-answer', 'foreign-answer', 'zone-gone'] as const).map(faultOf), ['trip', 'trip', 'trip']);
  assert.deepEqual((['timeout', 'servfail', 'refusal', 'alias'] as const).map(faultOf), Array(4).fill('count'));
  assert.deepEqual((['queue-full', 'refused-connection', 'aborted'] as const).map(faultOf), Array(3).fill('none'));
});

test('nothing but an answer in 127.0.0.0/8 is ever a listing', () => {
  const octet = fc.oneof(fc.constantFrom(0, 1, 2, 127, 255), fc.nat(255));
  const reply = fc.array(fc.tuple(fc.oneof(fc.constant(127), octet), octet, octet, octet), { maxLength: 4 });
  fc.assert(
    fc.property(reply, fc.boolean(), (answers, cname) => {
      const given = vote({ ...records(...answers.map(octets => octets.join('.'))), cname });
      const sound = answers.every(
        ([a, b, c, d]) =>
          a === 127 && !(b === 255 && c === 255) && !['0.0.1', '0.0.255', '0.1.255'].includes(`${b}.${c}.${d}`),
      );
      assert.equal(given.vote === 'listed', sound && answers.length > 0);
      if (!sound) assert.equal(given.vote, 'abstain');
    }),
    { numRuns: 2_000 },
  );
});
