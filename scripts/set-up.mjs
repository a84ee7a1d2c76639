/**
 * Installs what a checkout needs into `node_modules`, if that has not been done for this lockfile.
 *
 * `npm ci` alone does not do everywhere: npm 10 and 11 would run better-sqlite3's `node-gyp rebuild`, which needs a compiler
 * and is needless (prebuilt binaries are in the package), and npm 12 runs no install script that `allowScripts` does not
 * name. So no scripts are run at all but the one that brings Node. `--include=dev` is for `NODE_ENV=production`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The path of a program that came with the checkout. Never by PATH: the host's Node may be found first. */
export const bin = name => join(root, 'node_modules', '.bin', name);

/** The environment for programs of the checkout, whose `#!/usr/bin/env node` then finds the Node that came with it. */
export const environment = () => ({
  ...process.env,
  PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
});

export function setUp() {
  const stamp = join(root, 'node_modules', '.milter-greylist-set-up');
  const lockfile = readFileSync(join(root, 'package-lock.json'));
  const wanted = `${createHash('sha256').update(lockfile).digest('hex')} ${process.platform} ${process.arch}\n`;
  if (contents(stamp) === wanted) return;
  process.stderr.write('Setting up: installing dependencies into node_modules …\n');
  npm('ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund');
  npm('rebuild', 'node', '--no-ignore-scripts');
  const answer = spawnSync(bin('node'), ['--version'], { encoding: 'utf8' });
  if (answer.status !== 0) {
    throw new Error(`${bin('node')} does not run after "npm rebuild node": ${answer.error?.message ?? answer.stderr}`);
  }
  addOptional();
  writeFileSync(stamp, wanted);
}

/**
 * What is optional and asks for a newer Node than npm runs on was left out, without a word. With the Node that came along it
 * is not; that one is in its place by now, and stays there.
 */
function addOptional() {
  const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const missing = Object.keys(optionalDependencies).filter(name => !existsSync(join(root, 'node_modules', name)));
  if (missing.length === 0) return;
  const args = ['install', '--ignore-scripts', '--include=dev', '--no-save', '--no-audit', '--no-fund'];
  const env = Object.fromEntries(Object.entries(environment()).filter(([name]) => !name.startsWith('npm_')));
  const { status } = spawnSync('npm', args, { cwd: root, env, stdio: ['ignore', process.stderr.fd, 'inherit'] });
  if (status === 0) return;
  const what = `Not installed, and not needed by all: ${missing.join(', ')}`;
  if (process.env.CI === 'true') throw new Error(what); // it is needed for the tests, of which none may be skipped
  process.stderr.write(`${what}\n`);
}

/**
 * Runs npm, with its output on our standard error: the npm that runs us, or the one on PATH. Never by the Node in
 * `node_modules`: `npm ci` takes it away. If that is what runs the npm that runs us, its `npm_` variables are not handed on
 * either; they tell of global settings beside that Node.
 */
function npm(...args) {
  const { npm_execpath: cli = '', npm_node_execpath: node = '' } = process.env;
  const ours = isOutside(node) && /npm-cli\.[cm]?js$/.test(cli);
  const [command, ...before] = ours ? [node, cli] : ['npm'];
  const env = Object.entries(process.env).filter(([name]) => ours || !name.startsWith('npm_'));
  const path = (process.env.PATH ?? '').split(delimiter).filter(isOutside).join(delimiter);
  const { status, error } = spawnSync(command, [...before, ...args], {
    cwd: root,
    env: { ...Object.fromEntries(env), PATH: path },
    stdio: ['ignore', process.stderr.fd, 'inherit'],
  });
  if (status !== 0) throw new Error(`"npm ${args.join(' ')}" failed${error ? `: ${error.message}` : ''}`);
}

const isOutside = path => relative(join(root, 'node_modules'), path).startsWith('..');

function contents(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
