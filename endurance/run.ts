/**
 * Runs the endurance suite and prints a table of what was thrown at the daemon and what was lost. `docs/endurance.md` says what each
 * row means.
 *
 *     node endurance/run.ts [--short] [--seed N] [--only FAMILY[/CASE],…]
 *     node endurance/run.ts --soak [--seed N]
 *
 * Exit status 1 if anything was lost, or, with CI=true, if a case could not run.
 */
import { availableParallelism, cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { bytesCases } from './bytes.ts';
import { type Case, type Outcome, randomFrom, type Trial } from './case.ts';
import { hostileCases } from './hostile.ts';
import { killCases } from './kill.ts';
import { namesCases } from './names.ts';
import { resourceCases } from './resources.ts';
import { longSoak, soakCases } from './soak.ts';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    soak: { type: 'boolean', default: false },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
});
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
if (!Number.isSafeInteger(seed)) throw new Error(`--seed ${values.seed}: expected a whole number`);
const all: readonly Case[] = values.soak
  ? [longSoak]
  : [...killCases, ...bytesCases, ...resourceCases, ...namesCases, ...hostileCases, ...soakCases];
const wanted = values.only?.split(',');
const chosen = wanted
  ? all.filter(({ name }) => wanted.some(only => name === only || name.startsWith(`${only}/`)))
  : all;
if (chosen.length === 0)
  throw new Error(`--only ${values.only}: expected some of ${all.map(({ name }) => name).join(', ')}`);

interface Row {
  readonly name: string;
  readonly seconds: number;
  readonly outcome: Outcome | { readonly missing: string };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A number from a text, so that each case has a seed of its own and can be repeated alone. */
function numberOf(text: string): number {
  let number = 0;
  for (const character of text) number = (Math.imul(number, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return number;
}

/** What running cases have left to take away. */
const untidy = new Set<() => Promise<void>>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.all(Array.from(untidy, tidy => tidy())).finally(() => process.exit(1));
  });
}

async function runCase({ name, missing, run }: Case): Promise<Row> {
  const start = performance.now();
  const row = (outcome: Row['outcome']): Row => ({ name, seconds: (performance.now() - start) / 1_000, outcome });
  const why = missing?.();
  if (why !== undefined) return row({ missing: why });
  const cleaners: (() => void | Promise<void>)[] = [];
  const tidy = async (): Promise<void> => {
    untidy.delete(tidy);
    for (const clean of cleaners.splice(0)) {
      try {
        await clean();
      } catch (error) {
        say(`  ${name}: could not tidy up: ${String(error)}`);
      }
    }
  };
  untidy.add(tidy);
  const trial: Trial = {
    short: values.short,
    random: randomFrom(seed ^ numberOf(name)),
    after: clean => cleaners.unshift(clean),
    progress: text => say(`  ${name}: ${text}`),
  };
  try {
    return row(await run(trial));
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say(text);
    return row({ thrown: '', lost: [text.split('\n')[0] ?? ''], seen: '' });
  } finally {
    await tidy();
  }
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ') || '–';
}

function line({ name, seconds, outcome }: Row): string {
  const cells =
    'missing' in outcome
      ? ['not run', outcome.missing, '']
      : [outcome.thrown, outcome.lost.length === 0 ? 'nothing' : `**${outcome.lost.join('; ')}**`, outcome.seen];
  return `| ${[name, ...cells, `${Math.round(seconds)} s`].map(cell).join(' | ')} |`;
}

const started = performance.now();
say(`seed ${seed}`);
const finished = new Map<Case, Row>();
const queue = [...chosen];
/** Most of the time is waiting: the short cut uses it. In the full run each case has the machine for itself. */
const jobs = values.short ? 2 : 1;
await Promise.all(
  Array.from({ length: jobs }, async () => {
    for (let each = queue.shift(); each; each = queue.shift()) {
      say(each.name);
      const row = await runCase(each);
      finished.set(each, row);
      say(line(row));
    }
  }),
);
const rows = chosen.flatMap(each => finished.get(each) ?? []);
const lost = rows.filter(({ outcome }) => !('missing' in outcome) && outcome.lost.length > 0);
const skipped = rows.filter(({ outcome }) => 'missing' in outcome);
process.stdout.write(
  [
    `Seed ${seed}; ${new Date().toISOString().slice(0, 10)}; Node ${process.version}; Linux ${release()}; ${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown make'}; ${Math.round((performance.now() - started) / 1_000)} s.`,
    '',
    '| case | thrown | lost | seen | took |',
    '|---|---|---|---|---|',
    ...rows.map(line),
    '',
    `${rows.length - skipped.length} cases, ${lost.length} with losses${skipped.length > 0 ? `, ${skipped.length} not run` : ''}.`,
    '',
  ].join('\n'),
);
process.exit(lost.length > 0 || (skipped.length > 0 && process.env.CI === 'true') ? 1 : 0);
