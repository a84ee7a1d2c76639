/**
 * What Kamaelia Greylist did, said in a configuration file: its windows, its white lists, whose mail it forwarded, and its
 * verdict on the message as a whole. It spoke SMTP itself; that is a matter of frontends.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, MINUTE, type Rig, rigOf, SECOND } from './rig.ts';

const windows = `
greylist:
  tooSoon: 180
  delay: 3600
  retryWindow: 25000
  lifetime: 3000000
  prefix: {ipv4: 32, ipv6: 128}
  scope: message
learning: {autowhite: no}
replies:
  greylisted: 'Come back later ({WAIT})'
  early: 'Too early ({WAIT})'
`;
const start = (more = ''): Promise<Rig> => rigOf(windows + more);

test('a retry within 180 s starts the wait again', async () => {
  const { deliver, wait } = await start();
  assert.equal(await deliver(), '451 4.7.1 Come back later (3600)');
  await wait(179 * SECOND);
  assert.equal(await deliver(), '451 4.7.1 Too early (3600)');
  await wait(3_599 * SECOND);
  assert.equal(await deliver(), '451 4.7.1 Too early (1)');
});

test('a retry after 180 s and before the hour is over goes on waiting from the first attempt', async () => {
  const { deliver, wait } = await start();
  await deliver();
  await wait(180 * SECOND);
  assert.equal(await deliver(), '451 4.7.1 Too early (3420)');
  await wait(3_420 * SECOND);
  assert.equal(await deliver(), 'ok end-of-message');
});

test('a retry after 25,000 s starts again, and one at that very moment passes', async () => {
  const { deliver, wait } = await start();
  await deliver({ from: 'one@example.net' });
  await deliver({ from: 'two@example.net' });
  await wait(25_000 * SECOND);
  assert.equal(await deliver({ from: 'one@example.net' }), 'ok end-of-message');
  await wait(1 * SECOND);
  assert.equal(await deliver({ from: 'two@example.net' }), '451 4.7.1 Come back later (3600)');
  await wait(HOUR);
  assert.equal(await deliver({ from: 'two@example.net' }), 'ok end-of-message');
});

test('an accepted triplet passes at once, each use renews it, and 3,000,000 s without one forget it', async () => {
  const { deliver, wait } = await start();
  await deliver();
  await wait(HOUR);
  for (let use = 0; use < 4; use++) {
    assert.equal(await deliver(), 'ok end-of-message');
    await wait(3_000_000 * SECOND);
  }
  await wait(1 * SECOND);
  assert.equal(await deliver(), '451 4.7.1 Come back later (3600)');
});

test('every address, sender and recipient waits for itself', async () => {
  const { deliver, wait } = await start();
  await deliver();
  await wait(HOUR);
  for (const other of [{ ip: '203.0.113.8' }, { from: 'c@example.net' }, { to: 'c@example.org' }])
    assert.match(await deliver(other), /^451/);
  assert.equal(await deliver(), 'ok end-of-message');
});

test('one recipient that is not yet through refuses the whole message', async () => {
  const { send, wait } = await start();
  await send({ to: 'one@example.org' });
  await wait(HOUR);
  const both = { to: ['one@example.org', 'two@example.org'] };
  assert.deepEqual(await send(both), ['ok end-of-message', 'ok end-of-message', '451 4.7.1 Come back later (3600)']);
  await wait(HOUR);
  assert.equal((await send(both)).at(-1), 'ok');
});

const lists = `
rules:
  - name: allowed_senders
    if: {client: 198.51.100.25}
    then: accept
  - name: allowed_sender_nets
    if: {client: [192.0.2.0/24, 2001:db8:1::/48]}
    then: accept
  - name: no relaying
    if: {not: {recipient: ['@example.org', '@.example.org']}}
    then: {reject: {code: 554, text: 'We do not relay'}}
whitelist:
  triples:
    - 203.0.113.20 friend@example.com b@example.org
    - 203.0.113.21 <> b@example.org
    - 203.0.113.0/28 helo=list.example.com b@example.org
    - 203.0.113.22 helo=host.example.com c@example.org
`;

test('clients and networks that are allowed to send may do so to anywhere', async () => {
  const { deliver } = await start(lists);
  for (const ip of ['198.51.100.25', '192.0.2.200', '2001:db8:1:ffff::9'])
    assert.equal(await deliver({ ip, to: 'x@elsewhere.example' }), 'ok rule');
  assert.equal(await deliver({ ip: '198.51.100.26', to: 'x@elsewhere.example' }), '554 5.7.1 We do not relay');
});

test('others may send to our domains only, through the greylist', async () => {
  const { deliver } = await start(lists);
  assert.equal(await deliver({ to: 'x@elsewhere.example' }), '554 5.7.1 We do not relay');
  assert.equal(await deliver({ to: 'x@notexample.org' }), '554 5.7.1 We do not relay');
  assert.equal(await deliver({ to: 'x@example.org' }), '451 4.7.1 Come back later (3600)');
  assert.equal(await deliver({ to: 'x@sub.example.org' }), '451 4.7.1 Come back later (3600)');
});

test('a triple of address, sender and recipient is white as a whole only; the sender may be null', async () => {
  const { deliver } = await start(lists);
  const friend = { ip: '203.0.113.20', from: 'friend@example.com', to: 'b@example.org' };
  assert.equal(await deliver(friend), 'ok whitelist');
  assert.equal(await deliver({ ...friend, from: 'Friend@Example.COM' }), 'ok whitelist');
  for (const other of [{ ip: '203.0.113.21' }, { from: 'foe@example.com' }, { to: 'c@example.org' }])
    assert.match(await deliver({ ...friend, ...other }), /^451/);
  const bounce = { ip: '203.0.113.21', from: '', to: 'b@example.org' };
  assert.equal(await deliver(bounce), 'ok whitelist');
  assert.match(await deliver({ ...bounce, ip: '203.0.113.22' }), /^451/);
});

test('a triple of HELO name, address or prefix, and recipient is white whoever the sender', async () => {
  const { deliver } = await start(lists);
  const list = { ip: '203.0.113.14', helo: 'list.example.com', to: 'b@example.org' };
  assert.equal(await deliver(list), 'ok whitelist');
  assert.equal(await deliver({ ...list, from: 'whoever@example.net' }), 'ok whitelist');
  for (const other of [{ ip: '203.0.113.16' }, { helo: 'mail.list.example.com' }, { to: 'c@example.org' }])
    assert.match(await deliver({ ...list, ...other }), /^451/);
  assert.equal(await deliver({ ip: '203.0.113.22', helo: 'host.example.com', to: 'c@example.org' }), 'ok whitelist');
});

test('a white recipient beside one that waits does not let the message pass', async () => {
  const { send, wait } = await start(lists);
  const mail = { ip: '203.0.113.20', from: 'friend@example.com', to: ['b@example.org', 'c@example.org'] };
  assert.deepEqual(await send(mail), ['ok whitelist', 'ok end-of-message', '451 4.7.1 Come back later (3600)']);
  await wait(65 * MINUTE);
  assert.equal((await send(mail)).at(-1), 'ok');
});
