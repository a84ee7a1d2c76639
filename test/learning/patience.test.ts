import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Patience, type PatienceRules, type Try } from '../../src/learning/patience.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { DAY, HOUR, MINUTE, SECOND } from './support.ts';

const impatient = { retries: 3, within: 10 * SECOND, per: 'triplet', extraDelay: 30 * MINUTE } as const;
const relaySwitchers = { networks: 3, within: 30 * SECOND, extraDelay: HOUR };

function tryOf(fields: Partial<Try> = {}): Try {
  const common = { helo: 'mx.example.net', sender: 'a@example.net', recipient: 'b@example.org' };
  return { network: '203.0.113.0/24', ...common, ...fields };
}

/** Tries after these pauses; tells for each how many milliseconds more it has to wait. */
function setUp(rules: Partial<PatienceRules>) {
  const clock = new FixedClock();
  const patience = new Patience({ impatient: undefined, relaySwitchers: undefined, ...rules }, clock);
  const after = (pause: number, fields?: Partial<Try>): number => {
    clock.advance(pause);
    return patience.tried(tryOf(fields))?.extraDelay ?? 0;
  };
  return { clock, patience, after };
}

test('who retries within seconds too often waits longer; who waits like a server does not', () => {
  const { after } = setUp({ impatient });
  assert.deepEqual(
    [0, 5, 5, 5, 300].map(pause => after(pause * SECOND)),
    [0, 0, 0, 30 * MINUTE, 30 * MINUTE],
  );
  const patient = setUp({ impatient });
  for (let round = 0; round < 50; round++) assert.equal(patient.after(60 * SECOND), 0);
});

test('several messages for one recipient at the same moment are no haste', () => {
  const { after } = setUp({ impatient });
  for (let round = 0; round < 50; round++) assert.equal(after(round % 10 === 0 ? 300 * SECOND : 20), 0);
});

test('who comes again soon after a 5xx waits longer at once; another message an hour later does not', () => {
  for (const [pause, expected] of [
    [MINUTE, 30 * MINUTE],
    [HOUR, 0],
  ] as const) {
    const { patience, after } = setUp({ impatient });
    assert.equal(after(0), 0);
    patience.refused(tryOf());
    assert.equal(after(pause), expected);
  }
});

test('haste makes that triplet wait, or all of its network if that is asked for; never another network', () => {
  for (const [per, expected] of [
    ['triplet', 0],
    ['network', 30 * MINUTE],
  ] as const) {
    const { after } = setUp({ impatient: { ...impatient, per } });
    for (let round = 0; round < 4; round++) after(5 * SECOND);
    assert.equal(after(0, { recipient: 'other@example.org' }), expected);
    assert.equal(after(0, { network: '198.51.100.0/24' }), 0);
  }
});

test('a HELO name that tries one recipient from several networks within seconds waits longer there', () => {
  const { after } = setUp({ relaySwitchers });
  const from = (pause: number, network: string, more: Partial<Try> = {}): number =>
    after(pause * SECOND, { network, ...more });
  assert.deepEqual([from(0, '1'), from(5, '2'), from(5, '3')], [0, 0, HOUR]);
  assert.equal(from(600, '1', { helo: 'MX.Example.Net' }), HOUR, 'it stays one for a day');
  assert.equal(from(0, '1', { recipient: 'other@example.org' }), 0);
  assert.equal(from(0, '1', { helo: 'mx2.example.net' }), 0);
  assert.equal(from(0, '1', { helo: undefined }), 0);
  assert.equal(from(25 * 3600, '1'), 0);
});

test('the same network again, or others after a while, are no switching', () => {
  const { after } = setUp({ relaySwitchers });
  for (let round = 0; round < 20; round++) assert.equal(after(SECOND), 0);
  for (let round = 0; round < 20; round++) assert.equal(after(16 * SECOND, { network: String(round) }), 0);
});

test('what was done is forgiven after a day of silence', () => {
  const { after } = setUp({ impatient, relaySwitchers });
  for (let round = 0; round < 5; round++) after(5 * SECOND, { network: String(round % 3), helo: String(round % 2) });
  for (let round = 0; round < 5; round++) after(5 * SECOND);
  assert.notEqual(after(0), 0);
  assert.equal(after(DAY + 1), 0);
});

test('both kinds of haste add up, and never to more than both together', () => {
  const step = fc.record({
    pause: fc.nat(20 * SECOND),
    network: fc.constantFrom('1', '2', '3'),
    recipient: fc.constantFrom('a', 'b'),
    refused: fc.boolean(),
  });
  let most = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const { patience, after } = setUp({ impatient, relaySwitchers });
      for (const { pause, network, recipient, refused } of steps) {
        const extra = after(pause, { network, recipient });
        if (refused) patience.refused(tryOf({ network, recipient }));
        assert.ok([0, 30 * MINUTE, HOUR, 90 * MINUTE].includes(extra));
        most = Math.max(most, extra);
      }
    }),
  );
  assert.equal(most, 90 * MINUTE);
});

test('with nothing asked for nobody waits longer', () => {
  const { patience, after } = setUp({});
  for (let round = 0; round < 20; round++) {
    assert.equal(after(2 * SECOND, { network: String(round) }), 0);
    patience.refused(tryOf());
  }
});
