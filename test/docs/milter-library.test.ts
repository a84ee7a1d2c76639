/**
 * The page on the milter library: its programs are the files of `examples/`, and do what it says.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectMilter } from '../../src/milter/client.ts';
import { EditList } from '../../src/milter/edits.ts';
import { DEFAULT_TIMEOUTS } from '../../src/milter/filter.ts';
import * as library from '../../src/milter/index.ts';
import { run, spawnChild } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const page = readFileSync('docs/milter-library.md', 'utf8');
const byName = ['--import', fileURLToPath(new URL('../support/by-name.ts', import.meta.url))];
const refusal = 'That is my name, not yours';

/** Starts the page's filter and returns its address. */
async function startFilter(t: TestContext): Promise<string> {
  const address = `unix:${join(tempDir(t), 'milter.sock')}`;
  const filter = spawnChild(t, process.execPath, [...byName, 'examples/refuse-own-name.ts', address]);
  assert.equal((await filter.line(/^listening at (.*)$/))[1], address);
  return address;
}

test("the page's programs are the files it names, and nothing else is shown as TypeScript", () => {
  const shown = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(block => block[1]);
  const names = [...page.matchAll(/\]\(\.\.\/(examples\/[\w-]+\.ts)\)/g)].map(link => link[1] as string);
  assert.equal(names.length, 2);
  assert.deepEqual(
    shown,
    names.map(name => readFileSync(name, 'utf8')),
  );
  for (const code of shown) assert.ok((code?.split('\n').length ?? 0) <= 21);
});

test("the page's filter refuses clients by the server's name or localhost, and lets its own and all others pass", async t => {
  const address = await startFilter(t);
  for (const [helo, from, user, expected] of [
    ['mail.example.net', '203.0.113.7', '', 'proceed'],
    ['mx.example.org', '203.0.113.7', '', refusal],
    ['MX.Example.ORG', '2001:db8::7', '', refusal],
    ['localhost', '203.0.113.7', '', refusal],
    ['mx.example.org', '203.0.113.7', 'anna', 'proceed'],
    ['mx.example.org', '127.0.0.1', '', 'proceed'],
    ['mx.example.org', '::1', '', 'proceed'],
  ] as const) {
    const mta = await connectMilter(address);
    t.after(() => mta.destroy());
    const { protocol } = await mta.negotiate();
    assert.equal(protocol & 0x3f8, 0x378, 'events without a handler are not wanted');
    const family = from.includes(':') ? 'ipv6' : 'ipv4';
    await mta.connect({ hostname: 'x', peer: { family, address: from, port: 9 } }, { j: 'mx.example.org' });
    await mta.helo(helo);
    const answer = await mta.mail(['<a@example.net>'], user === '' ? {} : { '{auth_authen}': user });
    const expectation =
      expected === 'proceed' ? { kind: 'proceed' } : { kind: 'reply', code: 550, text: `550 5.7.1 ${expected}` };
    assert.deepEqual(answer, expectation, `${helo} from ${from}`);
    mta.quit();
  }
});

test("the page's client prints what the page says", async t => {
  const address = await startFilter(t);
  const [, expected] = [...page.matchAll(/^```\n(\$ node ask-milter.*?)^```$/gms)][0] ?? [];
  const dialogue = expected?.trimEnd().split('\n') ?? [];
  assert.equal(dialogue.length, 4);
  for (let at = 0; at < dialogue.length; at += 2) {
    const [, helo] = /^\$ node ask-milter\.ts(?: inet:8893@127\.0\.0\.1 (\S+))?$/.exec(dialogue[at] as string) ?? [];
    const words = helo === undefined ? [] : [helo];
    const asked = await run(process.execPath, [...byName, 'examples/ask-milter.ts', address, ...words]);
    assert.deepEqual(asked, { code: 0, signal: null, stdout: `${dialogue[at + 1]}\n`, stderr: '' });
  }
});

test('the limits in the table are those of the code', () => {
  const row = (option: string): string =>
    new RegExp(`^\\|[^|]*\\| ([^|]*?) \\| \`${option}\` \\|$`, 'm').exec(page)?.[1] ?? '';
  assert.match(row('timeouts.handler'), new RegExp(`^${DEFAULT_TIMEOUTS.handler / 1_000} s;`));
  assert.equal(row('timeouts.endOfMessage'), `${DEFAULT_TIMEOUTS.endOfMessage / 1_000} s`);
  assert.equal(row('timeouts.packet'), `${DEFAULT_TIMEOUTS.packet / 1_000} s`);
  assert.equal(row('timeouts.idle'), `${DEFAULT_TIMEOUTS.idle / 3_600_000} h`);
});

test('every value the library exports and every method of an edit has its place on the page', () => {
  const isTold = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(page);
  const edits = Object.getOwnPropertyNames(EditList.prototype).filter(
    name => !['constructor', 'packets', 'clear'].includes(name),
  );
  assert.ok(edits.length >= 10);
  assert.deepEqual(
    [...Object.keys(library), ...edits].filter(name => !isTold(name)),
    [],
  );
});
