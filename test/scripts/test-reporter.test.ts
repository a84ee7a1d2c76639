import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const reporter = fileURLToPath(new URL('../../scripts/test-reporter.mjs', import.meta.url));

async function report(t: TestContext, body: string, CI: string | undefined): ReturnType<typeof run> {
  const dir = tempDir(t);
  writeFileSync(join(dir, 'inner.test.mjs'), `import { test } from 'node:test';\n${body}`);
  const args = ['--test', `--test-reporter=${reporter}`, 'inner.test.mjs'];
  return run(process.execPath, args, { cwd: dir, env: { CI, FORCE_COLOR: undefined } });
}

const oneSkipped = `
  test('runs', () => {});
  test('asks Postfix', { skip: 'postfix is not installed' }, () => {});`;

test('a skipped test is listed with file and reason before the closing figures', async t => {
  const { code, stdout } = await report(t, oneSkipped, undefined);
  assert.equal(code, 0);
  assert.match(stdout, /Skipped or to do \(1\):\n {2}asks Postfix \(inner\.test\.mjs\): postfix is not installed\n/);
  assert.match(stdout, /postfix is not installed.*\n(ℹ|#) pass 1\n/su);
});

test('under CI=true a skipped test is a failure', async t => {
  const { code, stdout } = await report(t, oneSkipped, 'true');
  assert.equal(code, 1);
  assert.match(stdout, /CI=true does not allow \(1\):\n {2}asks Postfix/);
});

test('under CI=true a test within a test may not be skipped, nor be left as to do', async t => {
  const inner = "test('outer', async t => { await t.test('inner', { skip: true }, () => {}); });";
  assert.equal((await report(t, inner, 'true')).code, 1);
  assert.equal((await report(t, "test('some day', { todo: true }, () => {});", 'true')).code, 1);
});

test('the last words are what has failed: each test once, with its place, its time and why', async t => {
  const body = `
    import { describe } from 'node:test';
    test('runs', () => {});
    describe('a suite', () => {
      test('breaks', () => { throw new Error('too late\\nby far'); });
    });`;
  const { code, stdout } = await report(t, body, undefined);
  assert.equal(code, 1);
  assert.match(stdout, /\n\nFailed \(1\):\n {2}breaks \(inner\.test\.mjs:6, \d+ ms\): too late\n$/);
});

test('with nothing skipped CI=true changes nothing, and a failure fails', async t => {
  const good = await report(t, "test('runs', () => {});", 'true');
  assert.equal(good.code, 0);
  assert.doesNotMatch(good.stdout, /to do \(/);
  assert.equal((await report(t, "test('breaks', () => { throw new Error('x'); });", undefined)).code, 1);
});
