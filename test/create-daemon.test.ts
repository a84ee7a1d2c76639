/**
 * The daemon as a library: settings, own checks, what it refuses.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DEFAULTS } from '../src/config/config.ts';
import { loadConfig } from '../src/config/load.ts';
import { ConfigError } from '../src/config/problem.ts';
import type { RuleSettings, Settings } from '../src/config/settings.ts';
import { type CreateDaemonOptions, type CreatedDaemon, createDaemon, type Source } from '../src/create-daemon.ts';
import { connectMilter } from '../src/milter/index.ts';
import type { Check } from '../src/policy/check.ts';
import type { Decision } from '../src/policy/decision.ts';
import { recordingLogger } from './support/recording-logger.ts';
import { tempDir } from './support/temp-dir.ts';

interface Started {
  readonly daemon: CreatedDaemon;
  readonly decisions: readonly Decision[];
  readonly lines: readonly string[];
  /** The client's answer at RCPT, in words. */
  readonly ask: (recipient?: string, macros?: Readonly<Record<string, string>>) => Promise<string>;
}

async function start(t: TestContext, source: Source, options: CreateDaemonOptions = {}): Promise<Started> {
  const decisions: Decision[] = [];
  const { logger, lines } = recordingLogger();
  const log = { write: (decision: Decision) => void decisions.push(decision), settled: () => {} };
  const daemon = await createDaemon(source, { logger, decisions: log, ...options });
  t.after(() => daemon.stop());
  const [address = ''] = daemon.listening;
  const ask: Started['ask'] = async (recipient = 'b@example.org', macros = {}) => {
    const mta = await connectMilter(address);
    t.after(() => mta.destroy());
    await mta.negotiate();
    const peer = { family: 'ipv4', address: '203.0.113.7', port: 9 } as const;
    await mta.connect({ hostname: 'mail.example.net', peer }, { j: 'mx.example.org' });
    await mta.helo('mail.example.net');
    await mta.mail(['<a@example.net>'], macros);
    const answer = await mta.rcpt([`<${recipient}>`]);
    mta.quit();
    return answer.kind === 'reply' ? answer.text : answer.kind;
  };
  return { daemon, decisions, lines, ask };
}

const socketOf = (t: TestContext): string => `unix:${join(tempDir(t), 'milter.sock')}`;

const refuse: Check = {
  name: 'customers',
  canAccept: false,
  run: ({ recipient }) =>
    recipient.startsWith('never@')
      ? { action: 'reject', reason: 'own-check', reply: { code: 554, enhanced: '5.7.1', text: 'Never' } }
      : undefined,
};

// biome-ignore lint/suspicious/noThenProperty: the key of the file
const acceptAll: readonly RuleSettings[] = [{ then: 'accept' }];

test('settings are those of the file, with numbers and booleans', async t => {
  const { daemon, ask } = await start(t, {
    socket: socketOf(t),
    socketMode: 0o600,
    database: ':memory:',
    greylist: { delay: 90, prefix: { ipv4: 32 } },
    acceptLocal: false,
    replies: { greylisted: 'Come back in {TIME}' },
  });
  assert.equal(daemon.database, ':memory:');
  assert.equal(await ask(), '451 4.7.1 Come back in 00:01:30');
});

test('an own check is asked before the rules, and its word stands in the log under its name', async t => {
  const { ask, decisions } = await start(
    t,
    { socket: socketOf(t), database: ':memory:', rules: acceptAll },
    { checks: [refuse] },
  );
  assert.equal(await ask('never@example.org'), '554 5.7.1 Never');
  assert.equal(await ask('b@example.org'), 'proceed');
  assert.deepEqual(
    decisions.map(({ check, verdict }) => `${check} ${verdict.action} ${verdict.reason}`),
    ['customers reject own-check', 'rules accept rule'],
  );
});

test('an own check stands in front of what it names', async t => {
  const settings = { socket: socketOf(t), database: ':memory:', rules: acceptAll };
  const { ask } = await start(t, settings, { checks: [{ check: refuse, before: 'whitelist' }] });
  assert.equal(await ask('never@example.org'), 'proceed');
});

test('an own check that throws is logged, and the next one is asked', async t => {
  const broken: Check = {
    name: 'broken',
    canAccept: false,
    run: () => {
      throw new Error('out of order');
    },
  };
  const settings = { socket: socketOf(t), database: ':memory:' };
  const { ask, lines } = await start(t, settings, { checks: [broken, refuse] });
  assert.match(await ask(), /^451 4\.7\.1 Greylisting/);
  assert.equal(await ask('never@example.org'), '554 5.7.1 Never');
  assert.equal(lines.filter(line => /check broken failed.*out of order/.test(line)).length, 1);
});

test('a reload without settings reads the lists again, one with settings swaps, and a broken one changes nothing', async t => {
  const list = join(tempDir(t), 'whitelist');
  writeFileSync(list, '');
  const settings: Settings = { socket: socketOf(t), database: ':memory:', whitelist: { files: list } };
  const { daemon, ask } = await start(t, settings, { checks: [refuse] });
  assert.match(await ask(), /^451/);
  writeFileSync(list, '203.0.113.0/24\n');
  await daemon.reload();
  assert.equal(await ask(), 'proceed');
  assert.equal(await ask('never@example.org'), '554 5.7.1 Never');
  await assert.rejects(daemon.reload({ ...settings, greylist: { delay: 'soon' } }), /greylist\.delay: 'soon'/);
  assert.equal(await ask(), 'proceed');
  const { whitelist: _whitelist, ...without } = settings;
  await daemon.reload({ ...without, replies: { early: 'Still {WAIT}' } });
  assert.match(await ask(), /^451 4\.7\.1 Still \d+$/);
  await daemon.reload();
  assert.match(await ask(), /^451 4\.7\.1 Still \d+$/);
});

test('a file that was loaded does for settings', async t => {
  const file = join(tempDir(t), 'greylist.yaml');
  writeFileSync(file, `socket: ${socketOf(t)}\ndatabase: ':memory:'\nrules:\n  - then: {defer: {text: Later}}\n`);
  const { ask, decisions } = await start(t, loadConfig(file), { checks: [refuse] });
  assert.equal(await ask('never@example.org'), '554 5.7.1 Never');
  assert.equal(await ask(), '451 4.7.1 Later');
  assert.equal(decisions.at(-1)?.verdict.reason, 'rule');
});

test('the mail server is asked for the macros of own checks', async t => {
  const seen: (string | undefined)[] = [];
  const check: Check = {
    name: 'curious',
    canAccept: false,
    macros: ['cert_issuer'],
    run: ({ macros }) => void seen.push(macros.get('cert_issuer')),
  };
  const { daemon, ask } = await start(t, { socket: socketOf(t), database: ':memory:' }, { checks: [check] });
  await ask('b@example.org', { '{cert_issuer}': 'Example CA' });
  assert.deepEqual(seen, ['Example CA']);
  const mta = await connectMilter(daemon.listening[0] ?? '');
  t.after(() => mta.destroy());
  assert.match(JSON.stringify(await mta.negotiate()), /cert_issuer/);
  mta.quit();
});

async function problemsOf(settings: unknown, options: CreateDaemonOptions = {}): Promise<readonly string[]> {
  const error: unknown = await createDaemon(settings as Settings, options).then(
    daemon => daemon.stop().then(() => assert.fail('it has started')),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  return error.message.split('\n');
}

test('all that is wrong with settings is told at once', async () => {
  assert.deepEqual(
    await problemsOf({ sockets: 'x', greylist: { delay: 'soon', scope: 7 }, dnsbl: { zones: ['a b'] } }),
    [
      `configuration: sockets: unknown key: expected socket`,
      `configuration: greylist.delay: 'soon' is not a duration: expected seconds, or numbers with units w d h m s ms, largest first, such as 300, 5m or 1h30m`,
      `configuration: greylist.scope: '7': expected recipient or message`,
      (await problemsOf({ dnsbl: { zones: ['a b'] } }))[0],
    ].toSorted((one, other) => Number(one?.includes('sockets')) - Number(other?.includes('sockets'))),
  );
});

test('what has no place in a file is told, and so is a configuration that was read already', async () => {
  assert.deepEqual(await problemsOf({ rules: [{ ...acceptAll[0], if: { sender: /x/ } }] }), [
    'configuration: rules[0].if.sender: regexp: expected a text, a number, true or false, a list or a plain object',
  ]);
  assert.match((await problemsOf(DEFAULTS)).join('\n'), /whitelist\.clients/);
  assert.match((await problemsOf({ socketMode: 660 })).join('\n'), /socketMode: '1224' is not a mode/);
});

test('what a library does not do by itself is not left out silently', async () => {
  assert.deepEqual(await problemsOf({ user: 'nobody', socketGroup: 'postfix' }), [
    "configuration: user: 'nobody': a library looks up no accounts: expected the option dropPrivileges beside it",
    "configuration: socketGroup: 'postfix': a library looks up no accounts: expected the option socketGid beside it",
  ]);
});

test('own checks must be told apart, by names and places that exist', async () => {
  const named = (name: string): Check => ({ ...refuse, name });
  const wrong = (...checks: CreateDaemonOptions['checks'] & object) => problemsOf({}, { checks });
  assert.match((await wrong(named('dnsbl'))).join(), /^check 'dnsbl': another one has this name/);
  assert.match((await wrong(refuse, refuse)).join(), /^check 'customers': another one has this name/);
  assert.match((await wrong(named('My check'))).join(), /^check 'My check': expected a name in kebab-case/);
  const place = { check: refuse, before: 'local' as 'rules' };
  assert.match((await wrong(place)).join(), /^check 'customers': before: 'local': expected one of rules, whitelist/);
  assert.ok((await createDaemon({ socket: 'x:y' }).catch((error: unknown) => error)) instanceof ConfigError);
});
