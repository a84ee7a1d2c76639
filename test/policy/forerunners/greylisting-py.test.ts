/**
 * What greylisting-py did, said in a configuration file: white lists of addresses and networks, SPF, opting in by address and
 * domain, its times, and an error that is no verdict. Exim called it as a command; that is a matter of frontends.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Store, StoreError } from '../../../src/greylist/store.ts';
import { createMemoryStore } from '../../../src/stores/memory-store.ts';
import { DAY, HOUR, MINUTE, type Rig, rigOf, SECOND } from './rig.ts';

const file = `
greylist: {delay: 10m, retryWindow: 4h, lifetime: 30d, prefix: {ipv4: 32, ipv6: 128}}
learning: {autowhite: no}
spf: bypass
optIn: ['@example.org', ann@example.com]
whitelist:
  clients: [198.51.100.7, 192.0.2.128/25, 2001:db8:5::/48]
replies: {greylisted: 'Wait {WAIT}', early: 'Wait {WAIT}'}
`;
const zone = `
  sender.example    TXT  v=spf1 ip4:203.0.113.0/24 ip4:198.18.0.0/15 include:pool.example -all
  pool.example      TXT  v=spf1 ip4:100.20.0.0/16 ip4:8.8.4.0/24 -all
  soft.example      TXT  v=spf1 ip4:192.0.2.1 ~all
  broken.example    FAIL servfail upstream
`;
const start = (text = file, store?: Store): Promise<Rig> => rigOf(text, zone, store);

test('single addresses and networks are white, their neighbours are not', async () => {
  const { deliver } = await start();
  for (const ip of ['198.51.100.7', '192.0.2.128', '192.0.2.255', '2001:db8:5::1'])
    assert.equal(await deliver({ ip }), 'ok whitelist', ip);
  for (const ip of ['198.51.100.8', '192.0.2.127', '2001:db8:6::1'])
    assert.equal(await deliver({ ip }), '451 4.7.1 Wait 600', ip);
});

test('a message that passes SPF is not greylisted', async () => {
  const { deliver } = await start();
  assert.equal(await deliver({ from: 'a@sender.example' }), 'ok spf-pass');
});

test('SPF that fails, knows nothing or can not be asked does not spare the wait, and refuses nobody', async () => {
  const { deliver } = await start();
  const strangers = [
    { ip: '8.8.8.8', from: 'a@sender.example' },
    { from: 'a@soft.example' },
    { from: 'a@nothing.example' },
    { from: 'a@broken.example' },
  ];
  for (const mail of strangers) assert.equal(await deliver(mail), '451 4.7.1 Wait 600', mail.from);
});

test('a pool of sending hosts is spared the wait by SPF, whichever of them comes', async () => {
  const { deliver } = await start();
  for (const ip of ['100.20.1.1', '8.8.4.4'])
    assert.equal(await deliver({ ip, from: 'a@sender.example' }), 'ok spf-pass');
});

test('with the SPF domain as the key, a pool waits once, and may come back from another of its hosts', async () => {
  const { deliver, wait } = await start(file.replace('spf: bypass', 'spf: key'));
  assert.equal(await deliver({ ip: '100.20.1.1', from: 'a@sender.example' }), '451 4.7.1 Wait 600');
  await wait(10 * MINUTE);
  assert.equal(await deliver({ ip: '8.8.8.8', from: 'a@sender.example' }), '451 4.7.1 Wait 600');
  assert.equal(await deliver({ ip: '8.8.4.4', from: 'a@sender.example' }), 'ok matured');
});

test('only who has opted in is greylisted: addresses and whole domains', async () => {
  const { deliver } = await start();
  for (const to of ['b@example.org', 'Anyone@EXAMPLE.org', 'ann@example.com', 'ann+shop@example.com'])
    assert.equal(await deliver({ to }), '451 4.7.1 Wait 600', to);
  for (const to of ['bob@example.com', 'b@sub.example.org', 'b@notexample.org', 'ann@example.net'])
    assert.equal(await deliver({ to }), 'ok opted-out', to);
});

test('of one message, recipients who have opted in wait and the others receive it', async () => {
  const { send } = await start();
  assert.deepEqual(await send({ to: ['bob@example.com', 'b@example.org'] }), [
    'ok opted-out',
    '451 4.7.1 Wait 600',
    'ok',
  ]);
});

test('the delay and the expiry are those configured', async () => {
  const { deliver, wait } = await start();
  await deliver();
  await wait(10 * MINUTE - 1 * SECOND);
  assert.equal(await deliver(), '451 4.7.1 Wait 1');
  await wait(1 * SECOND);
  assert.equal(await deliver(), 'ok matured');
  await wait(30 * DAY);
  assert.equal(await deliver(), 'ok known');
  await wait(30 * DAY + 1 * SECOND);
  assert.equal(await deliver(), '451 4.7.1 Wait 600');
  await wait(4 * HOUR + 1 * SECOND);
  assert.equal(await deliver(), '451 4.7.1 Wait 600');
});

/** A database that does not work: an error at every attempt. */
const broken: Store = {
  ...createMemoryStore(),
  update: () => Promise.reject(new StoreError('attempt to write a readonly database')),
  get: () => Promise.reject(new StoreError('attempt to write a readonly database')),
};

test('an error of the database is no verdict on the mail: it is accepted, and the log tells', async () => {
  const { deliver, lines } = await start(file, broken);
  assert.equal(await deliver(), 'ok fault');
  assert.equal(lines.filter(line => /^error check greylist failed .*readonly database/.test(line)).length, 1);
});

test('an error of the database may be made to defer, never to refuse', async () => {
  const { deliver } = await start(`${file}onFailure: tempfail\n`, broken);
  assert.equal(await deliver(), '451 4.3.0 Temporary failure, please come back later');
});
