/**
 * Whole sessions against the whole daemon, beside yardsticks in the same run, so that ratios hold on any machine: a filter on
 * libmilter that does nothing (if a C compiler and libmilter are installed), a bare Node milter, the daemon in memory, and the
 * daemon with its database on disk.
 *
 *     node bench/sessions.ts [--rounds 3] [--seconds 4] [--connections 16]
 *
 * Prints medians: sessions/s, the server's CPU time per session, the RCPT round trip, and the ratio to libmilter. Set MILTLOAD to the
 * path of a load generator with the command line of `miltload` to use that instead of `bench/load.ts`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

interface Load {
  readonly sessions: number;
  readonly seconds: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}
interface Run extends Load {
  /** Microseconds of the server's CPU time. */
  readonly cpu: number;
}
interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  readonly ready: RegExp;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '16' },
  },
});
const root = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(process.env.TMPDIR ?? '/tmp', 'milter-bench-'));
const socket = join(folder, 'm.sock');
const main = join(root, 'src/cli/main.ts');
let first = 0;

const contenders: Contender[] = [
  { name: 'bare Node', command: [process.execPath, join(root, 'bench/bare-milter.ts'), socket], ready: /listening/ },
  daemon('daemon, memory', ':memory:'),
  daemon('daemon, SQLite', join(folder, 'greylist.db')),
];
const noop = compileNoop();
if (noop === undefined) process.stdout.write('libmilter yardstick left out: needs cc and libmilter-dev\n');
else contenders.unshift({ name: 'libmilter, nothing', command: [noop, `unix:${socket}`], ready: /listening/ });

function daemon(name: string, database: string): Contender {
  const command = [process.execPath, main, '-s', `unix:${socket}`, '--cachedb', database];
  return { name, command, ready: /INPUT_MAIL_FILTER/ };
}

function compileNoop(): string | undefined {
  const binary = join(folder, 'noop');
  try {
    const source = join(root, 'bench/noop-libmilter.c');
    execFileSync('cc', ['-O2', '-o', binary, source, '-lmilter', '-lpthread'], { stdio: 'ignore' });
    return binary;
  } catch {
    return undefined;
  }
}

async function run(contender: Contender): Promise<Run> {
  rmSync(socket, { force: true });
  const [program = '', ...args] = contender.command;
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await until(server, contender.ready);
    await load('1');
    const before = cpuTime(server.pid as number);
    const result = await load(values.seconds);
    return { ...result, cpu: cpuTime(server.pid as number) - before };
  } finally {
    server.kill('SIGKILL');
    await new Promise(resolve => server.once('close', resolve));
  }
}

function until(server: ChildProcess, ready: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    server.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (ready.test(text)) resolve();
    });
    server.once('close', code => reject(new Error(`server ended with ${code} before it was ready`)));
  });
}

/** All threads' user and system time, in microseconds. */
function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function load(seconds: string): Promise<Load> {
  const miltload = process.env.MILTLOAD;
  first += 1_000_000;
  const command =
    miltload === undefined
      ? [process.execPath, join(root, 'bench/load.ts'), socket, values.connections, seconds, 'new', String(first)]
      : [miltload, '-c', values.connections, '-d', seconds, '-s', String(first), '-u', '1000000', `unix:${socket}`];
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once('close', code => {
      if (code !== 0) reject(new Error(`load ended with ${code}: ${text}`));
      else resolve(miltload === undefined ? (JSON.parse(text) as Load) : parseMiltload(text));
    });
  });
}

function parseMiltload(text: string): Load {
  const [, seconds = '', sessions = '', failed = ''] = /([\d.]+) s: (\d+) sessions \((\d+) failed\)/.exec(text) ?? [];
  const [, p50 = '', p99 = '', p999 = ''] =
    /RCPT round trip +\d+ +([\d.]+) +[\d.]+ +([\d.]+) +([\d.]+)/.exec(text) ?? [];
  const errors = Number(failed);
  return {
    sessions: Number(sessions),
    seconds: Number(seconds),
    errors,
    p50: Number(p50),
    p99: Number(p99),
    p999: Number(p999),
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

const runs = new Map<string, Run[]>();
for (let round = 0; round < Number(values.rounds); round++) {
  for (const contender of contenders) {
    runs.set(contender.name, [...(runs.get(contender.name) ?? []), await run(contender)]);
  }
}
rmSync(folder, { recursive: true });

const rate = (list: readonly Run[]): number => median(list.map(({ sessions, seconds }) => sessions / seconds));
const yardstick = rate(runs.get('libmilter, nothing') ?? runs.get('bare Node') ?? []);
process.stdout.write('server               sessions/s  ratio  CPU µs  p50 µs  p99 µs  p99.9 µs  errors\n');
for (const [name, list] of runs) {
  const columns = [
    rate(list).toFixed(0).padStart(10),
    (rate(list) / yardstick).toFixed(2).padStart(6),
    median(list.map(({ cpu, sessions }) => cpu / sessions))
      .toFixed(1)
      .padStart(7),
    median(list.map(({ p50 }) => p50))
      .toFixed(0)
      .padStart(7),
    median(list.map(({ p99 }) => p99))
      .toFixed(0)
      .padStart(7),
    median(list.map(({ p999 }) => p999))
      .toFixed(0)
      .padStart(9),
    String(list.reduce((sum, { errors }) => sum + errors, 0)).padStart(7),
  ];
  process.stdout.write(`${name.padEnd(20)} ${columns.join(' ')}\n`);
}
