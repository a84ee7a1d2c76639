import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tripletId } from '../../src/stores/triplet-id.ts';

const text = fc.string({ unit: 'binary', maxLength: 20 });

test('ids are whole numbers from 0 to 2^52 - 1, the same for the same triplet', () => {
  fc.assert(
    fc.property(text, text, text, text, (salt, network, sender, recipient) => {
      const id = tripletId(salt, { network, sender, recipient });
      assert.ok(Number.isInteger(id) && id >= 0 && id < 2 ** 52);
      assert.equal(tripletId(salt, { network, sender, recipient }), id);
    }),
  );
});

test('text that moves from one part to another makes another id, whatever stands between', () => {
  const ids = ['', ':', '1:1:', '\n'].flatMap(between => {
    const whole = `a${between}b${between}c${between}d`;
    return Array.from({ length: whole.length + 1 }, (_, cut) =>
      tripletId('salt', { network: 'n', sender: whole.slice(0, cut), recipient: whole.slice(cut) }),
    );
  });
  assert.equal(new Set(ids).size, ids.length);
});

test('ids fill their range evenly', () => {
  const counts = new Array<number>(64).fill(0);
  for (let index = 0; index < 64_000; index++) {
    const id = tripletId('salt', { network: '203.0.113.0/24', sender: `s${index}`, recipient: 'r' });
    const share = Math.floor(id / 2 ** 46);
    counts[share] = (counts[share] ?? 0) + 1;
  }
  assert.ok(Math.min(...counts) > 850 && Math.max(...counts) < 1_150, String(counts));
});

test('another salt makes other ids', () => {
  const triplet = { network: '203.0.113.0/24', sender: 's', recipient: 'r' };
  assert.notEqual(tripletId('one', triplet), tripletId('two', triplet));
});
