/**
 * What a configuration is worked out to.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { readMaterials } from '../../src/daemon/materials.ts';

const cases: readonly (readonly [what: string, settings: Settings, macros: readonly string[]])[] = [
  ['nothing', {}, []],
  ['clients by address alone', { whitelist: { clients: '192.0.2.1', senders: 'a@' } }, []],
  ['clients by name', { whitelist: { names: '.example.net' } }, ['client_resolve']],
  [
    'triples, which may be of names',
    { blacklist: { triples: '192.0.2.1 name=mx.example.net b@example.org' } },
    ['client_resolve'],
  ],
  ['only the suspicious', { greylist: { when: 'suspicious' } }, ['client_resolve']],
  ['only the suspicious, names aside', { greylist: { when: 'suspicious', suspicious: { noName: false } } }, []],
  ['a longer wait without a name', { greylist: { suspicious: { noName: { delay: '10m' } } } }, ['client_resolve']],
];

for (const [what, settings, macros] of cases) {
  test(`the mail server is asked whether names could be resolved where it matters: ${what}`, async () => {
    const quiet: Settings = { dns: { resolvers: '127.0.0.1' } };
    const suspicious = { spfSoftfail: false, spfFail: false, ...settings.greylist?.suspicious };
    const config = parseSettings({ ...quiet, ...settings, greylist: { ...settings.greylist, suspicious } });
    assert.deepEqual((await readMaterials(config)).macros, macros);
  });
}
