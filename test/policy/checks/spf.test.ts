import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SpfMode, spfCheck } from '../../../src/policy/checks/spf.ts';
import { SpfResults } from '../../../src/policy/spf-results.ts';
import type { SpfFinding, SpfPort } from '../../../src/spf/spf.ts';
import { atOnce, benchOf, decide, envelopeOf, FakeGreylist, sessionOf } from '../support.ts';

function portOf(finding: Partial<SpfFinding>): SpfPort {
  return { check: async () => ({ result: 'pass', domain: 'example.net', everyone: false, ...finding }) };
}

function checkOf(finding: Partial<SpfFinding>, mode: SpfMode) {
  return spfCheck(new SpfResults(portOf(finding), ['ORIGINATING']), mode);
}

test('bypass accepts what passes', async () => {
  assert.equal(await decide(benchOf([checkOf({}, 'bypass')]).policy), 'accept spf-pass');
});

test('key puts the domain in the place of the network', async () => {
  const greylist = new FakeGreylist();
  const { policy } = benchOf([checkOf({}, 'key')], { greylist });
  assert.equal(await decide(policy), 'greylist new');
  assert.deepEqual(greylist.terms, [{ key: 'spf:example.net' }]);
});

test('everything else is no word', async () => {
  for (const finding of [
    { result: 'fail' },
    { result: 'softfail' },
    { result: 'neutral' },
    { result: 'none', domain: '' },
    { result: 'temperror' },
    { result: 'permerror' },
    { everyone: true },
    { domain: '' },
  ] as const) {
    for (const mode of ['bypass', 'key'] as const) {
      assert.equal(await checkOf(finding, mode).run(envelopeOf()), undefined, JSON.stringify(finding));
    }
  }
});

test('our own users, and clients that no stranger can be asked about, have no SPF', () => {
  const check = checkOf({}, 'bypass');
  for (const envelope of [
    envelopeOf({ authenticated: 'alice' }),
    envelopeOf({ session: sessionOf({ ip: '192.168.1.1' }) }),
    envelopeOf({ session: sessionOf({ daemonName: 'ORIGINATING' }) }),
  ]) {
    assert.equal(atOnce(check.run(envelope)), undefined);
  }
});

test('a result that is there costs no promise, and stands in the log', async () => {
  const check = checkOf({}, 'key');
  const envelope = envelopeOf();
  check.begin?.(envelope);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(atOnce(check.run(envelope)), { action: 'advise', greylist: { key: 'spf:example.net' } });
  assert.deepEqual(check.logFields?.(envelope.session), { spf: 'pass' });
});

test('a result that is late for one recipient gives no word for it, and the greylist decides', async () => {
  const never: SpfPort = { check: () => new Promise(() => {}) };
  const { policy, timers } = benchOf([spfCheck(new SpfResults(never, []), 'bypass')]);
  const decision = decide(policy);
  await timers.advance(4_000);
  assert.equal(await decision, 'greylist new');
});

test('the null sender that passes by its HELO is accepted at RCPT, or judged by that key at the end', async () => {
  assert.equal(await decide(benchOf([checkOf({}, 'bypass')]).policy, { sender: '' }), 'accept spf-pass');
  const greylist = new FakeGreylist();
  const { policy } = benchOf([checkOf({}, 'key')], { greylist });
  const decision = await policy.recipient(envelopeOf({ sender: '' }));
  assert.equal(decision.verdict.reason, 'end-of-message');
  const end = await policy.endOfMessage(decision.envelope.session, [decision]);
  assert.equal(end.action, 'greylist');
  assert.deepEqual(greylist.terms, [{ key: 'spf:example.net' }]);
});
