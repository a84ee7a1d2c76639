/**
 * Proves the rig itself: rbldnsd lists, unbound passes it on, and both are what they claim when asked by someone else's client.
 */
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { test } from 'node:test';
import { rbldnsdMissing, startRbldnsd, testEntry } from './support/rbldnsd.ts';
import { startUnbound, unboundMissing } from './support/unbound.ts';

const skip = [rbldnsdMissing, unboundMissing].filter(Boolean).join(', ') || false;

function asking(port: number): Resolver {
  const resolver = new Resolver({ timeout: 20_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return resolver;
}

test('unbound answers from rbldnsd, sees its changes at once, and knows nothing else', { skip }, async t => {
  const lists = await startRbldnsd(t, {
    'bl.test': {
      ip4: [...testEntry.ip4, '203.0.113.0/24', '!203.0.113.9'],
      ip6: [...testEntry.ip6, '2001:db8:bad::/48'],
    },
  });
  const { port } = await startUnbound(t, {
    zones: { 'bl.test': lists.port },
    records: ['mail.example.net. 60 A 203.0.113.7'],
  });
  const resolver = asking(port);
  assert.deepEqual(await resolver.resolve4('2.0.0.127.bl.test'), ['127.0.0.2']);
  assert.deepEqual(await resolver.resolve4('7.113.0.203.bl.test'), ['127.0.0.2']);
  assert.deepEqual(await resolver.resolveTxt('7.113.0.203.bl.test'), [['Listed, see https://bl.test/?203.0.113.7']]);
  await assert.rejects(resolver.resolve4('9.113.0.203.bl.test'), { code: 'ENOTFOUND' });
  const nibbles = `${'0.'.repeat(19)}0.d.a.b.0.8.b.d.0.1.0.0.2`;
  assert.deepEqual(await resolver.resolve4(`${nibbles}.bl.test`), ['127.0.0.2']);
  assert.deepEqual(await resolver.resolve4('mail.example.net'), ['203.0.113.7']);
  await assert.rejects(resolver.resolve4('www.example.com'), { code: 'ENOTFOUND' });

  await lists.setZone('bl.test', { ip4: testEntry.ip4 });
  await assert.rejects(resolver.resolve4('7.113.0.203.bl.test'), { code: 'ENOTFOUND' });
  await lists.child.stop();
  await assert.rejects(asking(lists.port).resolve4('2.0.0.127.bl.test'), { code: 'ECONNREFUSED' });
});
