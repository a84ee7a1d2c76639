/**
 * What the greylist of courier-pythonfilter did, said in a configuration file: networks of /24, two lifetimes, one verdict on the
 * message with the longest wait. It spoke Courier's filter protocol; that is a matter of frontends.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY, HOUR, MINUTE, type Rig, rigOf, SECOND } from './rig.ts';

const file = `
greylist:
  delay: 300            # greylistTime
  retryWindow: 24h      # sendersNotPassedTTL
  lifetime: 36d         # sendersPassedTTL
  prefix: {ipv4: 24, ipv6: 128}
  senderKey: exact
  scope: message
learning: {autowhite: no}
whitelist: {senders: <>}
replies:
  greylisted: &wait 'Greylisting in action, please come back in {TIME}'
  early: *wait
`;
const start = (): Promise<Rig> => rigOf(file);
const told = (time: string): string => `451 4.7.1 Greylisting in action, please come back in ${time}`;

test('the message is deferred with the wait as HH:MM:SS, and passes when it is over', async () => {
  const { deliver, wait } = await start();
  assert.equal(await deliver(), told('00:05:00'));
  await wait(61 * SECOND);
  assert.equal(await deliver(), told('00:03:59'));
  await wait(239 * SECOND);
  assert.equal(await deliver(), 'ok end-of-message');
});

test('a wait of hours is told in hours', async () => {
  const { deliver } = await rigOf(file.replace('delay: 300 ', 'delay: 3h2m1s'));
  assert.equal(await deliver(), told('03:02:01'));
});

test('the message is accepted only when all its recipients have passed, and is told the longest wait', async () => {
  const { send, wait } = await start();
  await send({ to: 'one@example.org' });
  await wait(2 * MINUTE);
  await send({ to: 'two@example.org' });
  await wait(2 * MINUTE);
  const all = { to: ['one@example.org', 'two@example.org', 'three@example.org'] };
  assert.deepEqual((await send(all)).slice(0, 3), ['ok end-of-message', 'ok end-of-message', 'ok end-of-message']);
  await wait(2 * MINUTE);
  assert.equal((await send(all)).at(-1), told('00:03:00'));
  assert.equal((await send({ to: 'one@example.org' })).at(-1), 'ok');
  await wait(3 * MINUTE);
  assert.equal((await send(all)).at(-1), 'ok');
});

test('IPv4 clients of one /24 are one, IPv6 addresses are each their own', async () => {
  const { deliver, wait } = await start();
  await deliver({ ip: '203.0.113.7' });
  await deliver({ ip: '2001:db8::7' });
  await wait(5 * MINUTE);
  assert.equal(await deliver({ ip: '203.0.113.250' }), 'ok end-of-message');
  assert.equal(await deliver({ ip: '203.0.112.250' }), told('00:05:00'));
  assert.equal(await deliver({ ip: '2001:db8::8' }), told('00:05:00'));
  assert.equal(await deliver({ ip: '2001:db8::7' }), 'ok end-of-message');
});

test('sender and recipients are compared in lower case, and nothing else of them is made alike', async () => {
  const { deliver, wait } = await start();
  await deliver({ from: 'Ann@Example.NET', to: 'Bob@example.ORG' });
  await wait(5 * MINUTE);
  assert.equal(await deliver({ from: 'ann@example.net', to: 'bob@example.org' }), 'ok end-of-message');
  await deliver({ from: 'list-123@example.net' });
  await wait(5 * MINUTE);
  assert.equal(await deliver({ from: 'list-456@example.net' }), told('00:05:00'));
});

test('the null sender passes at once', async () => {
  const { deliver } = await start();
  assert.equal(await deliver({ from: '' }), 'ok whitelist');
});

test('who has not passed is forgotten after 24 hours', async () => {
  const { deliver, wait } = await start();
  await deliver({ from: 'in-time@example.net' });
  await deliver({ from: 'late@example.net' });
  await wait(DAY);
  assert.equal(await deliver({ from: 'in-time@example.net' }), 'ok end-of-message');
  await wait(1 * SECOND);
  assert.equal(await deliver({ from: 'late@example.net' }), told('00:05:00'));
});

test('who has passed is known for 36 days from each use on', async () => {
  const { deliver, wait } = await start();
  await deliver();
  await wait(5 * MINUTE);
  for (let use = 0; use < 3; use++) {
    assert.equal(await deliver(), 'ok end-of-message');
    await wait(36 * DAY);
  }
  assert.equal(await deliver(), 'ok end-of-message');
  await wait(36 * DAY + 1 * SECOND);
  assert.equal(await deliver(), told('00:05:00'));
});

test('what has expired is purged by itself', async () => {
  const { deliver, wait, store } = await start();
  await deliver({ from: 'never-back@example.net' });
  await deliver();
  await wait(5 * MINUTE);
  assert.equal(await deliver(), 'ok end-of-message');
  const stored = async (sender: string) =>
    (await store.get({ network: '203.0.113.0/24', sender, recipient: 'b@example.org' })) !== undefined;
  await wait(DAY + 3 * HOUR);
  assert.deepEqual(await Promise.all(['never-back@example.net', 'a@example.net'].map(stored)), [false, true]);
  await wait(36 * DAY);
  assert.equal(await stored('a@example.net'), false);
});
