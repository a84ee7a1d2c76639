import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../support/process.ts';

const command = fileURLToPath(new URL('../../bin/milter-greylist.js', import.meta.url));

/** Runs the command in a Node that believes to be of another version, and says on standard error what it is made to load. */
function runAs(version: string): ReturnType<typeof run> {
  const preload = `
    import { registerHooks } from 'node:module';
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });
    const main = 'data:text/javascript,export const main = argv => console.log("ran", ...argv)';
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier.endsWith('/cli/main.js') ? { url: main, shortCircuit: true } : next(specifier, context),
    });`;
  return run(process.execPath, [
    '--import',
    `data:text/javascript,${encodeURIComponent(preload)}`,
    command,
    '-s',
    '/run/x.sock',
  ]);
}

for (const version of ['14.21.3', '20.20.2', '22.18.9']) {
  test(`Node ${version} is told in one line that it is too old, and nothing is loaded`, async () => {
    const { code, stdout, stderr } = await runAs(version);
    assert.equal(code, 69);
    assert.equal(stdout, '');
    assert.equal(stderr, `milter-greylist: needs Node.js 22.19 or newer, but ${process.execPath} is ${version}\n`);
  });
}

for (const version of ['22.19.0', '23.0.0', '24.21.0', '100.0.0']) {
  test(`Node ${version} runs the command with its arguments`, async () => {
    assert.deepEqual(await runAs(version), { code: 0, signal: null, stdout: 'ran -s /run/x.sock\n', stderr: '' });
  });
}

test('the version that is asked for is the one that package.json names', async () => {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const { stderr } = await runAs('20.0.0');
  assert.ok(stderr.includes(` ${engines.node.replace('>=', '')} or newer`), stderr);
});
