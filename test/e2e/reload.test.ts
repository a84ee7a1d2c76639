/**
 * Reloads under load: the configuration changes fifty times, every third one broken, while sessions come as fast as they can. No
 * session fails, no recipient gets a wrong answer, no triplet is forgotten, and each message is judged by one configuration, one
 * that was in force while it ran. A good configuration stays in force until it has judged a message, however slow the machine.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { connectMilter } from '../../src/milter/client.ts';
import { Bell, PATIENCE } from '../support/bell.ts';
import { startDaemon } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';
import type { SessionNews, SessionResults, SessionWork } from './support/session-worker.ts';
import { waitUntil } from './support/waiting.ts';

const reloads = 50;

/** Every third is broken, each in another way. What changes touches all that is swapped. */
function configuration(version: number): string {
  const good = `greylist:
  delay: ${version % 2 === 0 ? '50ms' : '60ms'}
  prefix: {ipv4: ${version % 4 < 2 ? 24 : 25}}
whitelist:
  recipients: {file: recipients}
rules:
  - name: version
    if: {recipient: [versioned@example.org, versioned-too@example.org]}
    then: {reject: {code: 554, text: 'version ${version}'}}
  - if: {macro: {x_macro_${version}: true}}
    then: {reject: {code: 555}}
`;
  if (!isBroken(version)) return good;
  const breaks = [
    `${good}colour: red\n`,
    good.replace('greylist:', 'greylist: ['),
    good.replace('file: recipients', 'file: missing'),
    good.replace('50ms', '50x').replace('60ms', '3d'),
    '',
  ];
  // An empty file is a good one, so the last is no text at all.
  return breaks[version % breaks.length] || '\0';
}

function isBroken(version: number): boolean {
  return version % 3 === 0;
}

test('fifty reloads under load: no failed session, no wrong verdict', async t => {
  const directory = tempDir(t);
  const file = join(directory, 'grey.yaml');
  const socket = join(directory, 'milter.sock');
  writeFileSync(join(directory, 'recipients'), 'white@example.org\n');
  writeFileSync(file, configuration(1));
  const daemon = await startDaemon(t, { socket, database: join(directory, 'grey.db'), flags: ['-c', file] });

  // The triplet that must never be forgotten.
  for (const shape of [/^451 /, /^proceed$/]) {
    const client = await connectMilter(socket);
    await client.negotiate();
    const peer = { family: 'ipv4', address: '203.0.113.7', port: 25_000 } as const;
    await client.connect({ hostname: 'mail.example.net', peer }, {});
    await client.helo('mail.example.net');
    await client.mail(['<sender@example.net>']);
    const reply = await client.rcpt(['<known@example.org>']);
    assert.match(reply.kind === 'reply' ? reply.text : reply.kind, shape);
    client.quit();
    await waitUntil(Date.now() + 100);
  }

  const news = new Bell();
  const judgedBy = new Set<number>();
  const worked: SessionResults[] = [];
  const workers = ['x', 'y'].map(name => {
    const workerData: SessionWork = { socket, connections: 8, name };
    const worker = new Worker(new URL('./support/session-worker.ts', import.meta.url), { workerData });
    return worker.on('message', (told: SessionNews | SessionResults) => {
      if ('version' in told) judgedBy.add(told.version);
      else worked.push(told);
      news.ring();
    });
  });
  t.after(() => Promise.all(workers.map(worker => worker.terminate())));

  const now = (): number => performance.timeOrigin + performance.now();
  /** For each good configuration: from when on it may be in force, and until when. */
  const reign = new Map([[1, { from: 0, until: Number.POSITIVE_INFINITY }]]);
  const begun = now();
  let inForce = 1;
  for (let version = 2; version < 2 + reloads; version++) {
    writeFileSync(file, configuration(version));
    const from = now();
    assert.equal(await daemon.reload(), !isBroken(version), `version ${version}`);
    if (isBroken(version)) continue;
    const before = reign.get(inForce);
    if (before) before.until = now();
    reign.set(version, { from, until: Number.POSITIVE_INFINITY });
    inForce = version;
    const judges = await news.until(() => judgedBy.has(version) || undefined, PATIENCE);
    assert.ok(judges, `no message was judged by version ${version}`);
  }
  const seconds = (now() - begun) / 1_000;
  for (const worker of workers) worker.postMessage('stop');
  await news.until(() => (worked.length === workers.length ? worked : undefined), PATIENCE);
  assert.equal(worked.length, workers.length, 'a worker does not end');

  assert.deepEqual(worked.flatMap(({ faults }) => faults).slice(0, 5), []);
  const messages = worked.flatMap(result => result.messages);
  const outOfTime = messages.filter(message => {
    const reigned = reign.get(message.version);
    return reigned === undefined || message.ended < reigned.from || message.begun > reigned.until;
  });
  assert.deepEqual(outOfTime.slice(0, 5), []);
  const sessions = worked.reduce((sum, result) => sum + result.sessions, 0);
  t.diagnostic(
    `${sessions} sessions, ${Math.round(sessions / seconds)}/s; ${reloads} reloads in ${seconds.toFixed(1)} s`,
  );
  assert.ok(sessions > reloads, `only ${sessions} sessions: no load to speak of`);
  assert.equal((await daemon.stop()).code, 0);
});
