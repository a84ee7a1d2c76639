/**
 * A blocklist that suddenly lists everyone, as the clients of a real Postfix see it: found out after a handful of them and not
 * after five minutes, it refuses nobody from then on, neither in open sessions nor by what was remembered of it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostfixSystem } from './support/mail-system.ts';
import { postfixMissing } from './support/postfix.ts';
import { rbldnsdMissing, startRbldnsd, testEntry, type ZoneData } from './support/rbldnsd.ts';
import { startUnbound, unboundMissing } from './support/unbound.ts';

const skip = [postfixMissing, rbldnsdMissing, unboundMissing].filter(Boolean).join(', ') || false;

const sound: ZoneData = { ip4: [...testEntry.ip4, '192.0.2.66'], ip6: testEntry.ip6 };
const everyone: ZoneData = { ip4: [...testEntry.ip4, '0.0.0.0/1', '128.0.0.0/1'], ip6: testEntry.ip6 };
/** A self-test that a doubt calls for comes so long after the one before, in milliseconds. */
const rest = 10_000;

test('a list that begins to list everyone is found out, and nothing it said counts any more', { skip }, async t => {
  const list = await startRbldnsd(t, { 'bl.test': sound });
  const { port } = await startUnbound(t, { zones: { 'bl.test': list.port } });
  const flags = ['-v', '--resolver', `127.0.0.1:${port}`, '-a', 'bl.test', '--greytimeout', '1m'];
  const system = await startPostfixSystem(t, { flags });
  const { child } = system.daemon;
  await child.line(/bl\.test is in use for IPv4/);
  await sleep(rest);

  const codeOf = async (octet: number): Promise<number | undefined> => {
    const mail = { from: 'a@example.net', to: ['b@example.org'] };
    return (await system.deliver(t, { address: `203.0.113.${octet}` }, mail)).rcpt[0]?.code;
  };
  assert.equal(await codeOf(250), 451);

  await list.setZone('bl.test', everyone);
  const open = await system.server.connect(t, { address: '203.0.113.200' });
  assert.equal((await open.send('MAIL FROM:<a@example.net>')).code, 250);
  assert.equal((await open.send('RCPT TO:<b@example.org>')).code, 550);
  let refused = 1;
  for (let octet = 1; (await codeOf(octet)) === 550; octet++) refused++;
  await child.line(/bl\.test is out for IPv4 clients: lists-the-world/);
  assert.ok(refused <= 12, `${refused} clients were refused`);

  assert.equal((await open.send('RCPT TO:<c@example.org>')).code, 451, 'in a session that was listed before');
  assert.equal(await codeOf(1), 451, 'a client that was listed before');

  await list.setZone('bl.test', sound);
  await child.line(/bl\.test is back for IPv4 clients/);
  assert.equal(await codeOf(2), 451, 'what is remembered of the list is from its bad hour');
  const { dnsbl } = await system.daemon.decision({ client_address: '203.0.113.2', action: 'greylist' });
  assert.equal(dnsbl, 'clear bl.test=clear');
});
