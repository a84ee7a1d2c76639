import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blacklistCheck } from '../../../src/policy/checks/blacklist.ts';
import { whitelistCheck } from '../../../src/policy/checks/whitelist.ts';
import { atOnce, envelopeOf, replies, sessionOf, tableOf } from '../support.ts';

const table = tableOf('203.0.113.0/24', '2001:db8::/32');
const listed = ['203.0.113.7', '2001:db8::7'];
const nowhere = sessionOf({ address: undefined, transport: 'unix' });
const unlisted = [sessionOf({ ip: '198.51.100.1' }), sessionOf({ ip: '2a00::1' }), nowhere];

for (const ip of listed) {
  test(`${ip} is on the lists: accepted by the white one, refused by the black one`, () => {
    const session = sessionOf({ ip });
    assert.deepEqual(atOnce(whitelistCheck(table).run(envelopeOf({ session }))), {
      action: 'accept',
      reason: 'whitelist',
    });
    assert.deepEqual(whitelistCheck(table).settles?.(session), { action: 'accept', reason: 'whitelist' });
    assert.deepEqual(atOnce(blacklistCheck(table, replies).run(envelopeOf({ session }))), {
      action: 'reject',
      reason: 'blacklist',
      reply: { code: 550, enhanced: '5.7.1', text: `Rejected. Address ${ip} is blacklisted` },
    });
    assert.deepEqual(blacklistCheck(table, replies).settles?.(session), { action: 'reject' });
  });
}

test('of clients that are not on the lists, or have no address, neither says a word', () => {
  for (const session of unlisted) {
    for (const check of [whitelistCheck(table), blacklistCheck(table, replies)]) {
      assert.equal(atOnce(check.run(envelopeOf({ session }))), undefined);
      assert.equal(check.settles?.(session), undefined);
    }
  }
});

test('a failing whitelist may have swallowed an acceptance, a failing blacklist not', () => {
  assert.equal(whitelistCheck(table).canAccept, true);
  assert.equal(blacklistCheck(table, replies).canAccept, false);
});
