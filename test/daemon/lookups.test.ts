/**
 * Lookups as a configuration makes them, over reloads: what is replaced closes, and nothing tells a key.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSchema } from '../../src/config/schema/file.ts';
import { Lookups } from '../../src/daemon/lookups.ts';
import { type Materials, readMaterials } from '../../src/daemon/materials.ts';
import { formatServer } from '../../src/dns/servers.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { ScriptedDns } from '../support/scripted-dns.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';

const key = '0a1b2c3d4e';
const keyed = { zone: `${key}.lists.example.com`, publicName: 'lists.example.com' };

async function rigOf(t: Owner) {
  const dns = await ScriptedDns.start(t);
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const debugFile = join(tempDir(t), 'dns.log');
  const lookups = new Lookups({ clock, timers, logger: recordingLogger().logger, linger: 10_000 });
  const materials = (zones: readonly unknown[], isLogged = true): Promise<Materials> => {
    const resolvers = [formatServer(dns.address)];
    return readMaterials(fileSchema.parse({ dnsbl: { zones }, dns: { resolvers, ...(isLogged && { debugFile }) } }));
  };
  return { dns, timers, debugFile, lookups, materials };
}

test('the debug log of DNS tells no key, neither of the first self-tests nor of lists that a reload has left out', async t => {
  const { timers, debugFile, lookups, materials } = await rigOf(t);
  lookups.use(await materials([keyed]));
  lookups.use(await materials(['bl.example']));
  await timers.advance(5_000); // by then the questions of both have failed
  await lookups.close();
  const log = readFileSync(debugFile, 'utf8');
  assert.match(log, /lists\.example\.com.*timeout/);
  assert.match(log, /bl\.example/);
  assert.ok(!log.includes(key), log);
});

test('what a reload has replaced closes after a while, or with the rest', async t => {
  const { dns, timers, lookups, materials } = await rigOf(t);
  const before = lookups.use(await materials(['bl.example'], false));
  lookups.use(await materials(['other.example']));
  await timers.advance(9_999);
  const isClosed = async (): Promise<boolean> => {
    const answer = await before.resolver.resolve('..', 'A'); // a name that is never asked about
    return answer.status === 'failed' && answer.detail === 'the resolver is closed';
  };
  assert.equal(await isClosed(), false);
  await timers.advance(1);
  assert.equal(await isClosed(), true);

  lookups.use(await materials(['bl.example']));
  await lookups.close();
  assert.equal(timers.size, 0);
  const { length } = dns.queries;
  await timers.advance(60_000);
  assert.equal(dns.queries.length, length);
});
