/**
 * What the daemon can do, beside yardsticks that run in turns with it, so that ratios hold on any machine and however busy it is.
 *
 *     npm run bench                 some four minutes: 16 connections, an empty database
 *     npm run bench -- --full       1, 16 and 128 connections; empty, 1 and 10 million triplets; sweeping; half an hour
 *     npm run bench -- --connections 16,128 --rows 0,1000000 --rounds 5 --seconds 3
 *
 * Prints medians of the rounds. A ratio is the median of the ratios of rounds: to libmilter doing nothing (or, without a C
 * compiler and libmilter, to the bare Node milter) with as many connections in the same round. `MILTLOAD=/path/of/miltload` takes
 * that load generator in place of our own, which needs more processor time than some of the servers.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { arch, cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { filledDatabase } from './databases.ts';
import { type Figures, generator, type LoadOptions, runLoad } from './run-load.ts';
import { bareNode, compileNoop, daemon, type Server, start } from './server.ts';
import { figure, median, megabytes, printTable } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    connections: { type: 'string' },
    rows: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    rate: { type: 'string', default: '2000' },
  },
});
const numbers = (text: string): number[] => text.split(',').map(Number);
const connectionCounts = numbers(flags.connections ?? (flags.full ? '1,16,128' : '16'));
const sizes = numbers(flags.rows ?? (flags.full ? '0,1000000,10000000' : '0'));
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);
const rate = Number(flags.rate);

/** Triplets that come again and again. */
const FEW = 20_000;
const MANY = 100_000_000;
/** Seconds. V8 needs some 50,000 sessions until everything is compiled. */
const WARM_UP = 5;

const folder = mkdtempSync(join(tmpdir(), 'milter-bench-'));
const socket = join(folder, 'm.sock');
let seed = Date.now() % 1_000_000;

/** Something to put load on. */
interface Subject {
  readonly name: string;
  readonly command: (socket: string) => readonly string[];
  /** Different triplets; default as many as there are sessions. */
  readonly span?: number;
  /** What must have happened before: the same triplets, seen so many times with a pause of more than a second. */
  readonly seenBefore?: number;
}

function subjectsFor(rows: number, database: string): Subject[] {
  const at = rows === 0 ? 'empty' : `${rows / 1e6} M`;
  const command = daemon(database);
  return [
    { name: `new, ${at}`, command },
    { name: `early, ${at}`, command, span: FEW, seenBefore: 1 },
    { name: `passed, ${at}`, command: daemon(database, '--greytimeout', '1'), span: FEW, seenBefore: 2 },
  ];
}

async function measure(subject: Subject, load: Pick<LoadOptions, 'connections' | 'rate'>): Promise<Figures> {
  const server = await start(subject.command(socket), socket);
  try {
    const common = { socket, seed: ++seed, span: subject.span ?? MANY, pid: server.pid };
    for (let times = 0; times < (subject.seenBefore ?? 0); times++) {
      await runLoad({ ...common, connections: 16, sessions: FEW });
      await sleep(1_200);
    }
    return await runLoad({ ...common, ...load, seconds, warmUp: WARM_UP });
  } finally {
    await server.stop();
  }
}

/** All subjects, in turns; the first is what the others are compared with. */
async function inTurns(
  subjects: readonly Subject[],
  load: Pick<LoadOptions, 'connections' | 'rate'>,
): Promise<Map<Subject, Figures[]>> {
  const results = new Map<Subject, Figures[]>(subjects.map(subject => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) results.get(subject)?.push(await measure(subject, load));
    process.stderr.write('.');
  }
  process.stderr.write('\n');
  return results;
}

function tableOf(results: ReadonlyMap<Subject, readonly Figures[]>): string[][] {
  const [yardstick = []] = results.values();
  return [...results].map(([{ name }, list]) => {
    const middle = (pick: (figures: Figures) => number): number => median(list.map(pick));
    return [
      name,
      middle(figures => figures.rate).toFixed(0),
      median(list.map((figures, round) => figures.rate / (yardstick[round]?.rate ?? Number.NaN))).toFixed(2),
      figure(middle(figures => figures.cpu)),
      median(list.map((figures, round) => figures.cpu / (yardstick[round]?.cpu ?? Number.NaN))).toFixed(2),
      ...(['p50', 'p99', 'p999', 'max'] as const).map(key => figure(middle(figures => figures[key]))),
      megabytes(middle(figures => figures.resident)),
      String(list.reduce((sum, figures) => sum + figures.errors, 0)),
    ];
  });
}

const HEAD = ['', 'sessions/s', 'ratio', 'CPU µs', 'ratio', 'RCPT p50 µs', 'p99', 'p99.9', 'max', 'resident', 'errors'];

async function startUp(rows: number, database: string): Promise<string[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const server: Server = await start(daemon(database)(socket), socket);
    times.push(server.startTime);
    await server.stop();
  }
  const bytes = rows === 0 ? '' : (statSync(database).size / rows).toFixed(0);
  return [String(rows), figure(median(times)), bytes];
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  const noop = compileNoop(folder);
  const references: Subject[] = [
    ...(noop ? [{ name: 'libmilter, nothing', command: noop }] : []),
    { name: 'bare Node', command: bareNode },
    { name: 'new, in memory', command: daemon(':memory:') },
  ];
  const databases = new Map<number, string>();
  for (const rows of sizes) databases.set(rows, rows === 0 ? join(folder, 'empty.db') : await filledDatabase(rows));
  const subjects = [...databases].flatMap(([rows, path]) => subjectsFor(rows, path));

  say(`${new Date().toISOString()}, ${cpus().length} × ${cpus()[0]?.model.trim()} (${arch()}), Linux ${release()}, `);
  say(
    `Node ${process.versions.node}, load average ${loadavg()[0]?.toFixed(1)}; ${generator}, medians of ${rounds} rounds`,
  );
  for (const connections of connectionCounts) {
    say(`\n${connections} ${connections === 1 ? 'connection' : 'connections'} at a time, one a session:`);
    printTable(HEAD, tableOf(await inTurns([...references, ...subjects], { connections })));
  }
  say(`\n${rate} sessions/s whether or not there are answers, times from when a session was due:`);
  const news = subjects.filter(({ name }) => name.startsWith('new'));
  printTable(HEAD, tableOf(await inTurns([...references, ...news], { connections: 200, rate })));
  say('\nFrom the start of the process to the first answer, and on disk:');
  const starts: string[][] = [];
  for (const [rows, path] of databases) starts.push(await startUp(rows, path));
  printTable(['triplets', 'start ms', 'bytes a triplet'], starts);
  if (flags.full) {
    say('\nSweeping (node bench/sweep.ts):');
    say(execFileSync(process.execPath, [join(import.meta.dirname, 'sweep.ts')], { encoding: 'utf8' }));
  }
} finally {
  rmSync(folder, { recursive: true });
}
