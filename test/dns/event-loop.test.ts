/**
 * How the resolver gets on with the event loop: stalls don't make replies late, and nothing keeps the process.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../src/clock.ts';
import { systemRandom } from '../../src/dns/random.ts';
import { createStubResolver } from '../../src/dns/stub-resolver.ts';
import { spawnChild } from '../support/process.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { word } from './support.ts';

/** How many queries a server is sent at once. */
const WINDOW = 64;

/** Blocks the event loop for so long, and until `done` says so, but no longer than ten seconds. */
function block(milliseconds: number, done: () => boolean): void {
  const start = performance.now();
  while (performance.now() - start < milliseconds || !(done() || performance.now() - start > 10_000));
}

test('replies that came while the loop was blocked are not taken for lost', async t => {
  const shared = new SharedArrayBuffer(8);
  const count = new Int32Array(shared);
  const queries = (): number => Atomics.load(count, 0);
  const replies = (): number => Atomics.load(count, 1);
  const worker = new Worker(new URL('./answering-worker.ts', import.meta.url), { workerData: shared });
  t.after(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  const { logger, lines } = recordingLogger();
  const servers = [{ address: '127.0.0.1', family: 4 as const, port }];
  const resolver = createStubResolver({ servers, clock: systemClock, random: systemRandom, logger });
  t.after(() => resolver.close());
  // Now the wait is 200 ms, and every socket is connected: one that is not sends nothing while the loop is blocked.
  for (let i = 0; i < 200; i++) await resolver.resolve(`warm.${i}.test`, 'A');

  for (const round of [1, 2, 3]) {
    const before = queries();
    const after = replies() + WINDOW;
    const answers = Array.from({ length: WINDOW }, (_, i) => resolver.resolve(`${round}.${i}.test`, 'A'));
    block(400, () => replies() >= after);
    for (const answer of await Promise.all(answers)) assert.equal(word(answer), '127.0.0.2');
    assert.equal(queries() - before, WINDOW, 'each was asked once');
  }
  const after = replies() + WINDOW;
  const answers = Array.from({ length: 150 }, (_, i) => resolver.resolve(`long.${i}.test`, 'A'));
  block(1_700, () => replies() >= after); // longer than a look-up may take
  for (const answer of (await Promise.all(answers)).slice(0, WINDOW)) assert.equal(word(answer), '127.0.0.2');
  assert.deepEqual(lines, []);
});

const program = (last: string): string => `
  import { systemClock } from './src/clock.ts';
  import { systemRandom } from './src/dns/random.ts';
  import { createStubResolver } from './src/dns/stub-resolver.ts';
  import { ScriptedDns } from './test/support/scripted-dns.ts';
  import { listed, silent } from './test/dns/support.ts';
  const cleaners = [];
  const server = await ScriptedDns.start({ after: clean => cleaners.push(clean) }, { udp: listed });
  const logger = { error() {}, warn() {}, info() {}, debug() {} };
  const resolver = createStubResolver({ servers: [server.address], clock: systemClock, random: systemRandom, logger });
  const answer = await resolver.resolve('a.test', 'A');
  server.udp = silent;
  ${last}
  process.stdout.write(answer.status + '\\n');
  const timers = process.getActiveResourcesInfo().filter(resource => resource === 'Timeout');
  process.stdout.write(timers.length + '\\n');
`;

const ENDINGS: Record<string, string> = {
  'after close, with look-ups under way': `
    const pending = resolver.resolve('b.test', 'A');
    await server.received(2);
    await resolver.close();
    await pending;
    for (const clean of cleaners) await clean();`,
  'without close, with nothing under way': 'for (const clean of cleaners) await clean();',
};

for (const [what, last] of Object.entries(ENDINGS)) {
  test(`the process ends by itself ${what}`, async t => {
    const child = spawnChild(t, process.execPath, ['--input-type=module-typescript', '-e', program(last)]);
    assert.deepEqual(await child.exited, { code: 0, signal: null });
    assert.equal(child.stdout, 'records\n0\n', 'an answer, and no timer that keeps the process for a while');
    assert.equal(child.stderr, '');
  });
}
