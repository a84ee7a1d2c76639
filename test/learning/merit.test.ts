import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  credit,
  isAlive,
  isWhite,
  type Merit,
  type MeritRules,
  meritFromJson,
  meritToJson,
  renew,
} from '../../src/learning/merit.ts';
import { DAY, HOUR, MINUTE } from './support.ts';

const rules: MeritRules = { triplets: 5, hours: 2, lifetime: 36 * DAY };
const start = Date.UTC(2026, 10, 21);

/** The merit after triplets 1, 2, … matured at these times. */
function earned(...times: readonly number[]): Merit | undefined {
  let merit: Merit | undefined;
  for (const [index, at] of times.entries()) merit = credit(merit, index, start + at, rules);
  return merit;
}

test('five different triplets in two different hours make white, and no fewer', () => {
  assert.ok(!isWhite(undefined, start, rules));
  assert.ok(!isWhite(earned(0, 1, 2, HOUR), start + HOUR, rules));
  assert.ok(isWhite(earned(0, 1, 2, 3, HOUR), start + HOUR, rules));
});

test('any number of triplets in one hour do not, until one follows in another', () => {
  const hurried = earned(0, 1, 2, 3, 4, 5, 6, HOUR - 1);
  assert.ok(!isWhite(hurried, start + HOUR, rules));
  assert.ok(isWhite(credit(hurried, 99, start + HOUR, rules), start + HOUR, rules));
});

test('a triplet that matures again counts no second time', () => {
  let merit: Merit | undefined;
  for (let day = 0; day < 20; day++) merit = credit(merit, 1, start + day * DAY, rules);
  assert.ok(!isWhite(merit, start + 20 * DAY, rules));
});

test('white lasts for a lifetime after the last use, and not a millisecond longer', () => {
  const merit = earned(0, 1, 2, 3, HOUR) as Merit;
  assert.ok(isWhite(merit, start + HOUR + rules.lifetime, rules));
  assert.ok(!isWhite(merit, start + HOUR + rules.lifetime + 1, rules));
  const renewed = renew(merit, start + 30 * DAY, rules) as Merit;
  assert.ok(isWhite(renewed, start + 66 * DAY, rules));
});

test('what has lapsed is forgotten: one more triplet begins anew', () => {
  const merit = earned(0, 1, 2, 3, HOUR);
  const later = start + HOUR + rules.lifetime + 1;
  assert.deepEqual(credit(merit, 9, later, rules).triplets, [9]);
  assert.ok(!isWhite(credit(merit, 9, later, rules), later, rules));
});

test('use is written down once an hour at most, more often only for short lifetimes, and put right after a step back', () => {
  const merit = earned(0) as Merit;
  assert.equal(renew(merit, start + HOUR - 1, rules), undefined);
  assert.equal(renew(merit, start + HOUR, rules)?.used, start + HOUR);
  assert.equal(renew(merit, start + 5 * MINUTE, { ...rules, lifetime: 2 * HOUR })?.used, start + 5 * MINUTE);
  assert.equal(renew(merit, start - DAY, rules)?.used, start - DAY);
});

const events = fc.array(fc.record({ triplet: fc.nat(8), pause: fc.integer({ min: -HOUR, max: 30 * DAY }) }));

test('whoever is white had enough different triplets in enough hours, none of them followed by a silent lifetime', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 }), (sequence, triplets, hours) => {
      const own: MeritRules = { triplets, hours, lifetime: 20 * DAY };
      let merit: Merit | undefined;
      let now = start;
      let last = start;
      let seen: { triplet: number; hour: number }[] = [];
      for (const { triplet, pause } of sequence) {
        now += pause;
        if (now - last > own.lifetime) seen = [];
        merit = credit(merit, triplet, now, own);
        last = now;
        seen.push({ triplet, hour: Math.floor(now / HOUR) });
        const different = new Set(seen.map(event => event.triplet)).size;
        const inHours = new Set(seen.map(event => event.hour)).size;
        if (isWhite(merit, now, own)) assert.ok(different >= triplets && inHours >= hours);
        assert.ok(merit.triplets.length <= triplets && merit.hours.length <= hours, 'what is remembered is bounded');
        assert.deepEqual(meritFromJson(JSON.parse(JSON.stringify(meritToJson(merit)))), merit);
      }
    }),
  );
});

test('merit of any kind lapses after a lifetime of silence', () => {
  fc.assert(
    fc.property(events, sequence => {
      let merit: Merit | undefined;
      let now = start;
      for (const { triplet, pause } of sequence) {
        now += pause;
        merit = credit(merit, triplet, now, rules);
      }
      assert.ok(!isAlive(merit, now + rules.lifetime + 1, rules));
    }),
  );
});

test('what is no merit is read as none', () => {
  for (const value of [null, 1, {}, [], [1, [2], 1, 3], [[1], [2], 1], [['a'], [2], 1, 3]]) {
    assert.equal(meritFromJson(value), undefined);
  }
});
