/**
 * What `npm start`, `npm test`, `npm run build`, `npm run bench` and `npm run check` run. Plain JavaScript for Node 20, the oldest
 * that a checkout has to start with: it sets the checkout up (`set-up.mjs`) and hands over to the Node 24 that came with it.
 *
 *   node scripts/run.mjs start [daemon's flags]
 *   node scripts/run.mjs test [node's flags, test files]
 *   node scripts/run.mjs bench [flags of bench/bench.ts]
 *   node scripts/run.mjs endurance [--short] [--soak] [--seed N] [--only CASES]
 *   node scripts/run.mjs set-up | build | check | docs
 */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { hold } from './hold.mjs';
import { bin, root, setUp } from './set-up.mjs';

const commands = {
  /** Nothing but the set-up, which precedes every command. */
  'set-up': () => 0,

  /**
   * The daemon, straight from its sources: nothing to build, and traces name the lines one edits. Relative paths in its flags
   * are meant from where the user stands, which npm has left.
   */
  start: args => hold(bin('node'), [join(root, 'src/cli/main.ts'), ...args], process.env.INIT_CWD ?? process.cwd()),

  test: args => {
    const files = args.some(arg => !arg.startsWith('-')) ? [] : ['test/**/*.test.ts'];
    return hold(bin('node'), [
      '--test',
      // Not as many as there are processors: a container may see all of its host's and have a few.
      `--test-concurrency=${Math.min(availableParallelism(), 4)}`,
      '--test-timeout=900000',
      `--test-reporter=${join(root, 'scripts/test-reporter.mjs')}`,
      '--test-reporter-destination=stdout',
      ...args,
      ...files,
    ]);
  },

  /** What is made from the configuration's schema: the JSON Schema, the reference page's tables, the manual page's. */
  docs: () => hold(bin('node'), [join(root, 'scripts/docs/write.ts')], root),

  /** Faults thrown at a real daemon; `docs/endurance.md`. */
  endurance: args => hold(bin('node'), [join(root, 'endurance/run.ts'), ...args]),

  build: () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    return hold(bin('tsc'), ['--project', 'tsconfig.build.json']);
  },

  /** Measures the daemon as it is installed. */
  bench: async args => {
    const failed = await commands.build();
    return failed || hold(bin('node'), [join(root, 'bench/bench.ts'), ...args]);
  },

  /** Lint, format and types; all of them, also after the first that fails. */
  check: async () => {
    const steps = [
      ['biome', 'ci', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`, '.'],
      ['tsc', '--noEmit'],
      ['tsc', '--project', 'tsconfig.build.json', '--noEmit'],
    ];
    const failed = [];
    for (const [tool, ...args] of steps) {
      if ((await hold(bin(tool), args)) !== 0) failed.push([tool, ...args].join(' '));
    }
    if (failed.length > 0) process.stderr.write(`failed: ${failed.join(', ')}\n`);
    return failed.length === 0 ? 0 : 1;
  },
};

const [name = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) {
  process.stderr.write(`run.mjs: ${JSON.stringify(name)}: expected one of ${Object.keys(commands).join(', ')}\n`);
  process.exit(64);
}
try {
  setUp();
  process.exitCode = await commands[name](args);
} catch (error) {
  process.stderr.write(`run.mjs: ${error.message}\n`);
  process.exitCode = 69;
}
