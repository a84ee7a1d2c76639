import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Correspondents } from '../../src/learning/correspondents.ts';
import { benchOf, DAY, HOUR, SECOND, WatchedNotes } from './support.ts';

test('whom a user wrote to is known to that user, for as long as was said, over a restart', async () => {
  const { parts, timers, clock, restarted } = benchOf();
  const correspondents = new Correspondents(30 * DAY, parts);
  correspondents.wrote('us@example.org', 'them@example.net');
  assert.ok(correspondents.isKnown('them@example.net', 'us@example.org'));
  await timers.advance(SECOND);
  clock.advance(30 * DAY - SECOND);
  const again = new Correspondents(30 * DAY, restarted());
  assert.ok(again.isKnown('them@example.net', 'us@example.org'));
  clock.advance(1);
  assert.ok(!again.isKnown('them@example.net', 'us@example.org'));
});

const known: readonly (readonly [sender: string, recipient: string, known: boolean, why: string])[] = [
  ['THEM@Example.NET', 'us@example.org', true, 'case does not matter'],
  ['<them@example.net>', '<us@example.org>', true, 'nor do brackets'],
  ['prvs=0123456789=them@example.net', 'us@example.org', true, 'BATV tags'],
  ['them@example.net', 'us+list@example.org', true, 'an extension is still ours'],
  ['them+x@example.net', 'us@example.org', false, 'an extension of theirs may be anybody'],
  ['them@example.net', 'other@example.org', false, 'another of our users did not write'],
  ['other@example.net', 'us@example.org', false, 'nobody wrote to them'],
  ['them@example.net.evil.example', 'us@example.org', false, 'another domain'],
  ['us@example.org', 'them@example.net', false, 'the other way round'],
  ['', 'us@example.org', false, 'the null sender is nobody'],
];
for (const [sender, recipient, expected, why] of known) {
  test(`<${sender}> to <${recipient}> is ${expected ? '' : 'not '}known: ${why}`, () => {
    const correspondents = new Correspondents(30 * DAY, benchOf().parts);
    correspondents.wrote('us+newsletter@example.org', 'them@example.net');
    correspondents.wrote('', 'them@example.net');
    correspondents.wrote('us@example.org', '');
    assert.equal(correspondents.isKnown(sender, recipient), expected);
  });
}

test('mail within our domain lets nobody in who pretends to be of it', () => {
  const correspondents = new Correspondents(30 * DAY, benchOf().parts);
  correspondents.wrote('us@example.org', 'colleague@Example.ORG');
  assert.ok(!correspondents.isKnown('colleague@example.org', 'us@example.org'));
});

test('a pair is written down once an hour at most, and lasts from when it was written to last', async () => {
  const store = new WatchedNotes();
  const { parts, timers } = benchOf(store);
  const correspondents = new Correspondents(2 * DAY, parts);
  for (let half = 0; half < 8; half++) {
    correspondents.wrote('us@example.org', 'them@example.net');
    await timers.advance(HOUR / 2);
  }
  assert.deepEqual(store.writes, [1, 1, 1, 1]);
  await timers.advance(2 * DAY - 2 * HOUR);
  assert.ok(correspondents.isKnown('them@example.net', 'us@example.org'));
});

test('only who was written to is ever known', () => {
  const address = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x.example', 'y.example', 'z.example'));
  const pair = fc.tuple(
    address.map(parts => parts.join('@')),
    address.map(parts => parts.join('@')),
  );
  fc.assert(
    fc.property(fc.array(pair), pair, (written, [sender, recipient]) => {
      const correspondents = new Correspondents(DAY, benchOf().parts);
      for (const [ours, theirs] of written) correspondents.wrote(ours, theirs);
      const wrote = written.some(([ours, theirs]) => ours === recipient && theirs === sender);
      const within = sender.split('@')[1] === recipient.split('@')[1];
      assert.equal(correspondents.isKnown(sender, recipient), wrote && !within);
    }),
  );
});
