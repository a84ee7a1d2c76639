import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localCheck } from '../../src/policy/checks/local.ts';
import { correspondenceObserver, type Observer, observedPolicy, refusalObserver } from '../../src/policy/observed.ts';
import { benchOf, checkOf, decideAll, envelopeOf, FakeGreylist, known, rejecting, sessionOf, tell } from './support.ts';

function watching(observer: Partial<Observer>, bench = benchOf([localCheck()])) {
  return { ...bench, policy: observedPolicy(bench.policy, [{ name: 'watch', ...observer }], bench.faults) };
}

test('a policy that nobody watches is itself', () => {
  const { policy, faults } = benchOf([]);
  assert.equal(observedPolicy(policy, [], faults), policy);
});

test('each decision is told and left as it is, at once or late', async () => {
  const told: string[] = [];
  const { policy } = watching({ decided: ({ verdict }) => void told.push(tell(verdict)) });
  const local = policy.recipient(envelopeOf({ authenticated: 'user' }));
  assert.ok(!(local instanceof Promise), 'what was synchronous stays so');
  await policy.recipient(envelopeOf());
  assert.deepEqual(told, ['accept authenticated', 'greylist new']);
});

test('an observer that fails costs nothing, and is reported', async () => {
  const fail = (): never => {
    throw new Error('x');
  };
  const { policy, lines } = watching({ decided: fail, ended: fail });
  const decisions = await decideAll(policy, ['b@example.org'], { authenticated: 'user' });
  assert.deepEqual(
    decisions.map(({ verdict }) => tell(verdict)),
    ['accept authenticated'],
  );
  assert.equal((await policy.endOfMessage(sessionOf(), decisions)).action, 'accept');
  assert.deepEqual(
    lines.map(({ cause }) => cause),
    ['watch no-word Error', 'watch no-word Error'],
  );
});

test('only who must hear all keeps connections from being settled, and only those one can log in to', () => {
  const local = sessionOf({ ip: '127.0.0.1' });
  assert.equal(watching({}).policy.settledAtConnect(local)?.reason, 'local-client');
  assert.equal(watching({ hearsAll: true }).policy.settledAtConnect(local), undefined);
  const unix = sessionOf({ address: undefined, transport: 'unix' });
  assert.equal(watching({ hearsAll: true }).policy.settledAtConnect(unix)?.reason, 'no-address');
});

function correspondence(bench = benchOf([localCheck()])) {
  const wrote: string[] = [];
  const observer = correspondenceObserver((ours, theirs) => void wrote.push(`${ours} ${theirs}`));
  return { wrote, policy: observedPolicy(bench.policy, [observer], bench.faults) };
}

test('whom a user wrote to is told when the message has passed, recipients that the MTA refused left out', async () => {
  const { wrote, policy } = correspondence();
  const from = { authenticated: 'user', sender: 'us@example.org' };
  const decisions = await decideAll(policy, ['x@example.net', 'y@example.com'], from);
  const refused = await policy.recipient(envelopeOf({ ...from, recipient: 'z@example.net', rejectedByMta: true }));
  assert.deepEqual(wrote, []);
  await policy.endOfMessage(sessionOf(), [...decisions, refused]);
  assert.deepEqual(wrote, ['us@example.org x@example.net', 'us@example.org y@example.com']);
});

test('mail of strangers, and messages that are deferred, make no correspondents', async () => {
  const greylist = new FakeGreylist({ 'b@example.org': known });
  const { wrote, policy } = correspondence(benchOf([localCheck()], { greylist }));
  const passed = await decideAll(policy, ['b@example.org'], {});
  assert.equal((await policy.endOfMessage(sessionOf(), passed)).action, 'accept');
  const bounce = await decideAll(policy, ['c@example.org'], { sender: '' });
  assert.equal((await policy.endOfMessage(sessionOf(), bounce)).action, 'greylist');
  assert.deepEqual(wrote, []);
});

test('a 5xx is told, a 4xx is not', async () => {
  const told: string[] = [];
  const observer = refusalObserver(({ recipient }) => void told.push(recipient));
  const reject = { ...rejecting(), reply: { code: 450, enhanced: '4.7.1', text: 'x' } };
  const check = checkOf('one', ({ recipient }) =>
    recipient === 'b' ? rejecting() : recipient === 'c' ? reject : undefined,
  );
  const { policy, faults } = benchOf([check]);
  await decideAll(observedPolicy(policy, [observer], faults), ['b', 'c', 'd'], {});
  assert.deepEqual(told, ['b']);
});
