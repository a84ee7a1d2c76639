import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exemptCheck } from '../../../src/policy/checks/exempt.ts';
import { atOnce, envelopeOf, reasonOf as told } from '../support.ts';

const reasonOf = (recipient: string, localParts?: readonly string[]): string | undefined =>
  told(atOnce(exemptCheck(localParts).run(envelopeOf({ recipient }))));

const exempt = [
  ...['postmaster@example.org', 'abuse@example.org', 'POSTMASTER@EXAMPLE.ORG', 'PostMaster@other.example', 'Abuse@x'],
  ...[
    'postmaster',
    'ABUSE',
    'postmaster+tag@example.org',
    'abuse+@example.org',
    'postmaster+a@b@example.org',
    'abuse@',
  ],
];
for (const recipient of exempt) {
  test(`<${recipient}> is exempt`, () => assert.equal(reasonOf(recipient), 'exempt'));
}

const others = [
  'b@example.org',
  'postmaster.x@example.org',
  'xabuse@example.org',
  'b+abuse@example.org',
  'b@postmaster',
  '',
  '@',
  '+',
];
for (const recipient of others) {
  test(`<${recipient}> is not`, () => assert.equal(reasonOf(recipient), undefined));
}

test('the list of local parts can be another one', () => {
  assert.equal(reasonOf('Security@example.org', ['security', 'NOC']), 'exempt');
  assert.equal(reasonOf('noc@example.org', ['security', 'NOC']), 'exempt');
  assert.equal(reasonOf('postmaster@example.org', ['security']), undefined);
  assert.equal(reasonOf('postmaster@example.org', []), undefined);
});
