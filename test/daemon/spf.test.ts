/**
 * SPF as a configuration makes it: what asks for it, what is done with it, and what happens where its library is not installed.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fileSchema } from '../../src/config/schema/file.ts';
import { assemblePolicy } from '../../src/daemon/assemble.ts';
import { Greylisting } from '../../src/daemon/greylisting.ts';
import { readMaterials } from '../../src/daemon/materials.ts';
import { loadMailauth, spfUses } from '../../src/daemon/spf.ts';
import { RateLimited } from '../../src/log/rate-limited.ts';
import { Faults } from '../../src/policy/faults.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { createMemoryNotes } from '../../src/stores/memory-notes.ts';
import { createMemoryStore } from '../../src/stores/memory-store.ts';
import { decide, envelopeOf, sessionOf } from '../policy/support.ts';
import { FakeResolver } from '../support/fake-resolver.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';
import { run } from '../support/process.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

/** The policy of a configuration file with these keys, on zones in which example.net lets 203.0.113.0/24 and nobody else send. */
async function policyOf(keys: object): Promise<{ policy: Policy; resolver: FakeResolver; clock: FixedClock }> {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const { logger } = recordingLogger();
  const log = new RateLimited({ logger, timers });
  const resolver = new FakeResolver('example.net TXT v=spf1 ip4:203.0.113.0/24 -all', { clock, timers });
  const materials = await readMaterials(fileSchema.parse({ dns: { resolvers: ['127.0.0.1'] }, ...keys }));
  const stores = { store: createMemoryStore(), notes: createMemoryNotes() };
  const greylisting = new Greylisting({ ...stores, clock, timers, logger, log }).use(materials.config);
  const parts = { ...greylisting, resolver, blocklists: undefined, clock, timers, faults: new Faults(log) };
  return { policy: assemblePolicy(materials, parts), resolver, clock };
}

/** A list of one rule, as the file has it. */
function rejecting(...spf: readonly string[]): unknown {
  return JSON.parse(JSON.stringify([{ if: { spf } }]).replace(/}]$/, ',"then":"reject"}]'));
}

test('SPF is asked for by itself, by rules, and where it makes clients suspicious with consequences', async () => {
  const uses = async (keys: object): Promise<readonly string[]> => {
    const config = fileSchema.parse({ dns: { resolvers: ['127.0.0.1'] }, ...keys });
    return spfUses(config, (await readMaterials(config)).rules);
  };
  assert.deepEqual(await uses({}), []);
  assert.deepEqual(await uses({ spf: 'off' }), []);
  assert.deepEqual(await uses({ spf: 'key' }), ['spf']);
  assert.deepEqual(await uses({ rules: rejecting('fail') }), ['rules']);
  assert.deepEqual(await uses({ greylist: { suspicious: { spfFail: { delay: '1h' } } } }), [
    'greylist.suspicious.spfFail',
  ]);
  assert.deepEqual(await uses({ greylist: { when: 'suspicious' } }), [
    'greylist.suspicious.spfSoftfail',
    'greylist.suspicious.spfFail',
  ]);
  const without = { spfSoftfail: 'false', spfFail: 'false' };
  assert.deepEqual(await uses({ greylist: { when: 'suspicious', suspicious: without } }), []);
});

test('where nothing asks for SPF nothing is looked up', async () => {
  const { policy, resolver } = await policyOf({});
  assert.equal(policy.startsAtMail, false);
  assert.equal(await decide(policy), 'greylist new');
  assert.deepEqual(resolver.queries, []);
});

test('look-ups begin at MAIL, and what they find is used at RCPT', async () => {
  const { policy, resolver } = await policyOf({ spf: 'bypass' });
  const session = sessionOf();
  policy.connect(session);
  policy.mail(envelopeOf({ session }));
  assert.ok(resolver.queries.includes('TXT example.net'));
  const asked = resolver.queries.length;
  assert.equal(await decide(policy, { session }), 'accept spf-pass');
  assert.equal(await decide(policy, { session, recipient: 'c@example.org' }), 'accept spf-pass');
  assert.ok(resolver.queries.length <= asked + 1, 'the record is looked at once for the client and once for nobody');
  assert.equal(await decide(policy, { session: sessionOf({ ip: '198.51.100.1' }) }), 'greylist new');
});

test('a rule can ask for the result, with spf off', async () => {
  const { policy } = await policyOf({ rules: rejecting('fail', 'softfail') });
  assert.equal(policy.startsAtMail, true);
  assert.equal(await decide(policy, { session: sessionOf({ ip: '198.51.100.1' }) }), 'reject rule');
  assert.equal(await decide(policy), 'greylist new');
});

test('who fails is suspicious', async () => {
  const suspicious = { noName: 'false', dnsbl: 'false' };
  const { policy } = await policyOf({ greylist: { when: 'suspicious', suspicious } });
  assert.equal(await decide(policy, { session: sessionOf({ ip: '198.51.100.1' }) }), 'greylist new');
  assert.equal(await decide(policy), 'accept unsuspicious');
});

test('a library that is not there is told with what asks for it', async () => {
  const missing = Object.assign(new Error("Cannot find package 'mailauth'"), { code: 'ERR_MODULE_NOT_FOUND' });
  await assert.rejects(
    loadMailauth(['spf', 'rules'], () => Promise.reject(missing)),
    {
      name: 'SpfMissingError',
      message: /^spf, rules: SPF needs the package mailauth, which can not be loaded/,
      cause: missing,
    },
  );
});

test('a daemon that needs it does not start without it, and says so in one line', async t => {
  const file = join(tempDir(t), 'milter-greylist.yaml');
  const hook = `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (!name.startsWith('mailauth')) return next(name, context);
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
      },
    });`)}`;
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  writeFileSync(file, 'spf: key\ndatabase: ":memory:"\n');
  const { code, stderr } = await run(process.execPath, ['--import', hook, main, '-c', file]);
  assert.equal(code, 69);
  assert.match(stderr, /spf: SPF needs the package mailauth, .*npm install mailauth/);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
});
