/**
 * Holds the house (`docs/architecture.md`): who may import whom, no cycles, short files that begin with a doc comment.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findCycle, type Import, readImports } from './support/imports.ts';

/** What anyone may know of the outside world: interfaces, and what wraps or sets them without an effect of its own. */
const ports = [
  'clock.ts',
  'greylist/store.ts',
  'dns/resolver.ts',
  'log/logger.ts',
  'log/rate-limited.ts',
  'learning/note-store.ts',
  'history/history-store.ts',
];

/** What a store does beside its rows for the greylist: pure. */
const judging = ['greylist/attempt.ts', 'greylist/timing.ts'];

/** What touches the outside world for a port. Only the composition root knows these; a library user gets them by name. */
const adapters = ['stores/', 'dns/'];

/** The plain data among the adapters' files: reading and naming server addresses. */
const adaptersData = ['dns/servers.ts', 'dns/public-resolvers.ts'];

/**
 * For each room under `src/` what it may import besides itself: rooms with a slash at the end, or single files. The rooms that
 * may import anything but adapters, the command line and the composition root say `anything`.
 */
const anything = 'anything';
/** The composition root's own room: adapters too. */
const everything = 'everything';
const rules: Readonly<Record<string, readonly string[] | typeof anything | typeof everything>> = {
  net: [],
  milter: ['net/'],
  lists: ['net/', ...ports],
  learning: ['net/', 'greylist/', ...ports],
  greylist: ['net/', ...ports],
  stores: [...judging, ...ports],
  dns: ['net/', ...ports],
  dnsbl: ['net/', ...ports],
  spf: ['net/', ...ports],
  history: ['policy/', ...ports],
  policy: ['net/', 'lists/', 'greylist/', 'dnsbl/', 'spf/', 'learning/', ...ports],
  frontends: ['net/', 'milter/', 'policy/', ...ports],
  log: ['net/', 'policy/', ...ports],
  metrics: ['net/', 'policy/', ...ports],
  config: anything,
  cli: anything,
  daemon: everything,
};

/** Modules at the top of `src/`: these, and small ones that import nothing of ours. */
const roots = ['daemon.ts', 'create-daemon.ts', 'index.ts'];

/** What is wrong with an import, or undefined. Both paths are below `src/`, without it. */
function violation(from: string, to: string): string | undefined {
  const room = from.includes('/') ? from.slice(0, from.indexOf('/')) : undefined;
  const within = (places: readonly string[]) =>
    places.some(place => (place.endsWith('/') ? to.startsWith(place) : to === place));
  const libraryFiles = ['index.ts', 'create-daemon.ts'];
  if (to === 'daemon.ts' && room !== 'cli' && !libraryFiles.includes(from))
    return 'only cli/ and the library import daemon.ts';
  if (to === 'create-daemon.ts' && from !== 'index.ts') return 'only index.ts imports create-daemon.ts';
  if (to === 'index.ts') return 'index.ts is for users of the library';
  if (within(['daemon/']) && room !== 'daemon' && from !== 'daemon.ts') return 'only daemon.ts imports daemon/';
  if (within(['cli/']) && room !== 'cli') return 'nothing imports the command line';
  if (room === undefined) {
    return roots.includes(from) ? undefined : 'a module at the top of src/ imports nothing of ours';
  }
  const rule = rules[room];
  if (rule === undefined) return `src/${room}/ is a new room: say in test/architecture.test.ts what it may import`;
  if (to.startsWith(`${room}/`)) return undefined;
  if (rule === everything) return undefined;
  if (rule !== anything) {
    return within(rule) ? undefined : `${room}/ may import only ${['itself', ...rule].join(', ')}`;
  }
  if (within(adapters) && !within([...ports, ...adaptersData])) return 'only daemon.ts and index.ts import adapters';
  return undefined;
}

interface Module {
  /** Below `src/`, without it. */
  readonly path: string;
  readonly text: string;
}

/** All that is wrong with these modules, one line each: file, line, and what is broken. */
function inspect(modules: readonly Module[]): readonly string[] {
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  for (const { path, text } of modules) {
    const own = readImports(`src/${path}`, text).filter(({ target }) => target.startsWith('src/'));
    for (const { target, line } of own) {
      const fault = violation(path, target.slice('src/'.length));
      if (fault) faults.push(`src/${path}:${line}: imports ${target}: ${fault}`);
    }
    graph.set(
      `src/${path}`,
      own.filter(({ typeOnly }: Import) => !typeOnly).map(({ target }) => target),
    );
    const lines = text.split('\n').length - 1;
    if (lines > 300) faults.push(`src/${path}:301: has ${lines} lines: split it, 300 are enough for one noun`);
    if (!text.startsWith('/**')) faults.push(`src/${path}:1: opens without a doc comment`);
  }
  const cycle = findCycle(graph);
  if (cycle) faults.push(`${cycle[0]}:1: imports itself in a circle: ${cycle.join(' → ')}`);
  return faults;
}

test('the modules under src/ import only what their room may, in no circle, are short and say what they are', () => {
  const src = fileURLToPath(new URL('../src', import.meta.url));
  const modules = globSync('**/*.ts', { cwd: src }).map(path => ({
    path,
    text: readFileSync(`${src}/${path}`, 'utf8'),
  }));
  assert.ok(modules.length > 0, 'found no modules');
  assert.equal(inspect(modules).join('\n'), '');
});

const module = (path: string, ...imports: string[]): Module => ({
  path,
  text: ['/** A module. */', ...imports.map(target => `import { x } from '${target}';`), ''].join('\n'),
});

const forbidden: readonly (readonly [from: string, to: string, why: RegExp])[] = [
  ['net/address.ts', '../clock.ts', /net\/ may import only itself/],
  ['clock.ts', './net/address.ts', /imports nothing of ours/],
  ['milter/session.ts', '../log/logger.ts', /milter\/ may import only itself, net\//],
  ['milter/session.ts', '../policy/verdict.ts', /milter\/ may import only/],
  ['policy/chain.ts', '../stores/memory-store.ts', /policy\/ may import only/],
  ['policy/chain.ts', '../dns/stub-resolver.ts', /policy\/ may import only/],
  ['policy/checks/dnsbl.ts', '../../milter/verdict.ts', /policy\/ may import only/],
  ['greylist/greylist.ts', '../policy/verdict.ts', /greylist\/ may import only/],
  ['greylist/greylist.ts', '../stores/sqlite-store.ts', /greylist\/ may import only/],
  ['dnsbl/panel.ts', '../dns/cache.ts', /dnsbl\/ may import only/],
  ['lists/address-list.ts', '../config/config.ts', /lists\/ may import only/],
  ['stores/sqlite-store.ts', '../greylist/greylist.ts', /stores\/ may import only/],
  ['frontends/milter.ts', '../daemon.ts', /only cli\/ and the library import daemon.ts/],
  ['config/config.ts', '../stores/sqlite-store.ts', /only daemon.ts and index.ts import adapters/],
  ['cli/dnsbl.ts', '../dns/stub-resolver.ts', /only daemon.ts and index.ts import adapters/],
  ['daemon.ts', './cli/main.ts', /nothing imports the command line/],
  ['cli/serve.ts', '../daemon/assemble.ts', /only daemon.ts imports daemon\//],
  ['daemon/assemble.ts', '../cli/main.ts', /nothing imports the command line/],
  ['cli/serve.ts', '../create-daemon.ts', /only index.ts imports create-daemon.ts/],
  ['policy/chain.ts', '../index.ts', /for users of the library/],
  ['cellar/wine.ts', '../net/address.ts', /src\/cellar\/ is a new room/],
];

for (const [from, to, why] of forbidden) {
  test(`${from} may not import ${to}`, () => {
    const [fault = 'no fault found', ...more] = inspect([module(from, to)]);
    assert.match(fault, why);
    assert.match(fault, new RegExp(`^src/${from}:2: imports src/`));
    assert.deepEqual(more, []);
  });
}

test('what the house allows is not complained about', () => {
  const allowed = [
    module('milter/session.ts', '../net/address.ts', './frames.ts', 'node:net'),
    module('policy/checks/greylist.ts', '../../greylist/greylist.ts', '../check.ts', '../../clock.ts'),
    module('stores/sqlite-store.ts', '../greylist/store.ts', 'better-sqlite3'),
    module('daemon.ts', './stores/sqlite-store.ts', './dns/stub-resolver.ts', './frontends/milter.ts'),
    module('cli/serve.ts', '../daemon.ts', '../dns/servers.ts', '../log/log.ts'),
    module('daemon/lookups.ts', '../dns/open-resolver.ts', '../dnsbl/blocklists.ts', './materials.ts'),
    module('index.ts', './daemon.ts', './stores/memory-store.ts'),
  ];
  assert.deepEqual(inspect(allowed), []);
});

test('an import over several lines, an export and a dynamic import count, with their lines', () => {
  const text = `/** A module. */
// import { no } from '../stores/not-this.ts';
import {
  a,
} from '../stores/one.ts';
export type { B } from '../stores/two.ts';
const url = 'http://x/'; const c = await import('../stores/three.ts');
import '../stores/four.ts';
`;
  const lines = inspect([{ path: 'policy/chain.ts', text }]).map(fault => fault.split(': policy/')[0]);
  assert.deepEqual(lines, [
    'src/policy/chain.ts:5: imports src/stores/one.ts',
    'src/policy/chain.ts:6: imports src/stores/two.ts',
    'src/policy/chain.ts:7: imports src/stores/three.ts',
    'src/policy/chain.ts:8: imports src/stores/four.ts',
  ]);
});

test('a circle is named; one of types alone is none, since it is gone when compiled', () => {
  const circle = [module('net/a.ts', './b.ts'), module('net/b.ts', './c.ts'), module('net/c.ts', './a.ts')];
  assert.deepEqual(inspect(circle), [
    'src/net/a.ts:1: imports itself in a circle: src/net/a.ts → src/net/b.ts → src/net/c.ts → src/net/a.ts',
  ]);
  const types = { path: 'net/c.ts', text: "/** C. */\nimport type { x } from './a.ts';\n" };
  assert.deepEqual(inspect([...circle.slice(0, 2), types]), []);
});

test('a long file and one without a doc comment are named', () => {
  const long = { path: 'net/long.ts', text: `/** Long. */\n${'x;\n'.repeat(300)}` };
  const bare = { path: 'net/bare.ts', text: 'x;\n' };
  const faults = inspect([long, bare]);
  assert.equal(faults.length, 2);
  assert.match(faults[0] ?? '', /^src\/net\/long\.ts:301: has 301 lines/);
  assert.match(faults[1] ?? '', /^src\/net\/bare\.ts:1: opens without a doc comment/);
  assert.deepEqual(inspect([{ ...long, text: `/** Long. */\n${'x;\n'.repeat(299)}` }]), []);
});
