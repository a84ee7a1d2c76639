/**
 * The package as a user gets it: packed, looked into, installed in an empty folder, run and imported. Needs the registry for the
 * dependencies and builds `dist/`, so it is not one of the tests that `npm test` runs: `npm run test:package`.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, run, spawnChild } from './support/process.ts';
import { tempDir } from './support/temp-dir.ts';

const top = fileURLToPath(new URL('..', import.meta.url));
const { version, exports: entries } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
const folder = tempDir({ after });
const app = join(folder, 'app');
const command = join(app, 'node_modules/.bin/milter-greylist');
let contents: readonly string[] = [];

/** Runs a program to its end and returns what it printed; throws if it fails. */
async function succeed(program: string, args: readonly string[], cwd = app, env = {}): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, { cwd, env, timeout: 600_000 });
  assert.equal(code, 0, `${program} ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

before(async () => {
  await succeed('npm', ['pack', '--silent', '--pack-destination', folder], top);
  const tarball = join(folder, `milter-greylist-${version}.tgz`);
  contents = (await succeed('tar', ['-tzf', tarball], folder)).trim().split('\n');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  await succeed('npm', ['install', '--no-audit', '--no-fund', tarball]);
});

test('the tarball holds the built program and what belongs to it, and nothing else', () => {
  const belongs =
    /^package\/(package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/milter-greylist\.js|dist\/.+\.(js|d\.ts)|docs\/man\/[^/]+\.[58]|docs\/milter-greylist\.schema\.json|examples\/(milter-greylist\.yaml|traps|blacklist)|packaging\/systemd\/[^/]+)$/;
  assert.deepEqual(
    contents.filter(path => !belongs.test(path)),
    [],
  );
  for (const entry of Object.values<string | Record<string, string>>(entries)) {
    for (const path of typeof entry === 'string' ? [entry] : Object.values(entry)) {
      assert.ok(contents.includes(join('package', path)), `package.json exports ${path}, which is not in the tarball`);
    }
  }
  for (const path of ['README.md', 'LICENSE', 'CHANGELOG.md', 'bin/milter-greylist.js', 'docs/man/milter-greylist.8']) {
    assert.ok(contents.includes(`package/${path}`), `${path} is not in the tarball`);
  }
});

test('the installed command tells its version and its usage', async () => {
  assert.equal(await succeed(command, ['--version']), `${version}\n`);
  assert.match(await succeed(command, ['--help']), /--greytimeout/);
});

test('the example configuration is there, and good', async () => {
  const example = join(app, 'node_modules/milter-greylist/examples/milter-greylist.yaml');
  assert.match(await succeed(command, ['check-config', '-c', example]), /: good, no warnings$/m);
});

test('the installed daemon greylists: database, probe and all', async t => {
  const socket = `inet:${await freePort()}@127.0.0.1`;
  const daemon = spawnChild(t, command, ['-s', socket, '--cachedb', join(tempDir(t), 'greylist.db')]);
  await daemon.line(/listens at/);
  const probe = [
    'probe',
    '-s',
    socket,
    '--ip',
    '203.0.113.7',
    '--helo',
    'x',
    '--from',
    'a@x.example',
    '--to',
    'b@y.example',
  ];
  assert.match(
    (await run(command, [...probe, '--repeat', '2'])).stdout,
    /451 4\.7\.1 Greylisting in action.*still in action/s,
  );
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
});

test('what the package exports can be imported, with its types', async () => {
  const code = `
    import * as all from 'milter-greylist';
    import { connectMilter, createMilter, type Milter } from 'milter-greylist/milter';
    const made: typeof createMilter = createMilter;
    // @ts-expect-error types are there, so this is wrong
    const wrong: Milter = 'no milter';
    console.log(Object.keys(all).length > 0, typeof made, typeof connectMilter, typeof wrong);\n`;
  writeFileSync(join(app, 'consumer.ts'), code);
  const examples = ['custom-check.ts', 'ask-policy.ts'];
  for (const example of examples) copyFileSync(join(top, 'examples', example), join(app, example));
  assert.equal(await succeed(process.execPath, ['consumer.ts']), 'true function function string\n');
  const types = ['--types', 'node', '--typeRoots', join(top, 'node_modules/@types')];
  const options = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', ...types];
  await succeed(join(top, 'node_modules/.bin/tsc'), [...options, 'consumer.ts', ...examples]);
  assert.match(
    await succeed(process.execPath, ['ask-policy.ts', '203.0.113.7', 'a@x.example', 'b@y.example']),
    / 451 /,
  );
});

test('the filter and the MTA of the page on the milter library run with the installed package', async t => {
  for (const example of ['refuse-own-name.ts', 'ask-milter.ts']) {
    copyFileSync(join(top, 'examples', example), join(app, example));
  }
  const socket = `unix:${join(tempDir(t), 'milter.sock')}`;
  const filter = spawnChild(t, process.execPath, ['refuse-own-name.ts', socket], { cwd: app });
  await filter.line(/^listening at /);
  assert.equal(await succeed(process.execPath, ['ask-milter.ts', socket]), 'version 6: proceed\n');
  assert.equal(
    await succeed(process.execPath, ['ask-milter.ts', socket, 'mx.example.org']),
    'version 6: 550 5.7.1 That is my name, not yours\n',
  );
  assert.deepEqual(await filter.stop(), { code: 0, signal: null });
});
