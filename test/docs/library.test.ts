/**
 * The page on the library: its programs are the files of `examples/`, and do what it says.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as library from '../../src/index.ts';
import { connectMilter } from '../../src/milter/client.ts';
import { places } from '../../src/policy/checks/standard.ts';
import { type Child, run, spawnChild } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const page = readFileSync('docs/library.md', 'utf8');
const byName = ['--import', fileURLToPath(new URL('../support/by-name.ts', import.meta.url))];

test("the page's programs are the files it names, and nothing else is shown as TypeScript", () => {
  const shown = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(block => block[1]);
  const names = [...page.matchAll(/\]\(\.\.\/(examples\/[\w-]+\.ts)\)/g)].map(link => link[1] as string);
  assert.deepEqual(names, ['examples/custom-check.ts', 'examples/ask-policy.ts']);
  assert.deepEqual(
    shown,
    names.map(name => readFileSync(name, 'utf8')),
  );
  for (const code of shown) assert.ok((code?.split('\n').length ?? 0) <= 41);
});

/** A service that answers by recipient: `silent@` gets no answer, `broken@` a 500, others their local part. */
async function startService(t: TestContext, asked: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    asked.push([...searchParams].map(([key, value]) => `${key}=${value}`).join(' '));
    const [word = ''] = searchParams.get('recipient')?.split('@') ?? [];
    if (word === 'silent') return;
    response.statusCode = word === 'broken' ? 500 : 200;
    response.end(`${word}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

async function ask(t: TestContext, socket: string, recipient: string): Promise<string> {
  const mta = await connectMilter(socket);
  t.after(() => mta.destroy());
  await mta.negotiate();
  const peer = { family: 'ipv4', address: '203.0.113.7', port: 9 } as const;
  await mta.connect({ hostname: 'mail.example.net', peer }, { j: 'mx.example.org' });
  await mta.helo('mail.example.net');
  await mta.mail(['<a@example.net>']);
  const answer = await mta.rcpt([`<${recipient}>`]);
  mta.quit();
  return answer.kind === 'reply' ? answer.text : answer.kind;
}

test("the page's check asks a service, heeds its word, and without one lets the greylist decide", async t => {
  const asked: string[] = [];
  const service = await startService(t, asked);
  const { port } = service.address() as AddressInfo;
  const socket = `unix:${join(tempDir(t), 'milter.sock')}`;
  const args = [...byName, 'examples/custom-check.ts', socket, `http://127.0.0.1:${port}/`];
  const daemon: Child = spawnChild(t, process.execPath, args);
  assert.equal((await daemon.line(/^listening at (.*)$/))[1], socket);

  const greylisted = '451 4.7.1 Greylisting in action, please come back later (300 secs)';
  assert.equal(await ask(t, socket, 'accept@example.org'), 'proceed');
  assert.equal(await ask(t, socket, 'refuse@example.org'), '550 5.7.1 Our customer wants no mail from you');
  assert.equal(await ask(t, socket, 'unsure@example.org'), greylisted.replace('300', '900'));
  assert.equal(await ask(t, socket, 'nobody@example.org'), greylisted);
  assert.equal(await ask(t, socket, 'constructor@example.org'), greylisted);
  assert.equal(asked[0], 'client=203.0.113.7 sender=a@example.net recipient=accept@example.org');

  // Faults: the service fails, is silent, is gone.
  assert.equal(await ask(t, socket, 'broken@example.org'), greylisted);
  await daemon.line(/check customers failed.*says 500/);
  assert.equal(await ask(t, socket, 'silent@example.org'), greylisted);
  service.closeAllConnections();
  service.close();
  assert.equal(await ask(t, socket, 'accept@example.com'), greylisted);
  assert.equal(asked.length, 7);

  daemon.kill('SIGTERM');
  assert.deepEqual(await daemon.exited, { code: 0, signal: null });
});

test("the page's policy is asked without a mail server", async () => {
  const words = ['203.0.113.7', 'a@example.net', 'b@example.org', 'postmaster@example.org', 'B@example.org'];
  const { stdout, stderr, code } = await run(process.execPath, [...byName, 'examples/ask-policy.ts', ...words]);
  assert.equal(stderr, '');
  assert.equal(
    stdout,
    [
      'b@example.org: greylist new 451 4.7.1 Please come back in 00:05:00',
      'postmaster@example.org: accept exempt',
      'B@example.org: greylist early 451 4.7.1 Greylisting still in action, please come back later (300 secs)',
      '',
    ].join('\n'),
  );
  assert.equal(code, 0);
});

test('every value that the package exports, every key of a check and every place has its place on the page', () => {
  const check = readFileSync('src/policy/check.ts', 'utf8');
  const [, body = ''] = /^export interface Check \{\n(.*?)^\}/ms.exec(check) ?? [];
  const keys = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, key]) => key as string);
  assert.ok(keys.length >= 10);
  const isTold = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(page);
  assert.deepEqual(
    [...Object.keys(library), ...keys, ...places].filter(name => !isTold(name)),
    [],
  );
});
