/**
 * Servers to put load on, each a process of its own on a unix socket: the yardsticks and the daemon.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Server {
  readonly pid: number;
  /** Milliseconds from the start of the process to its answer to a negotiation. */
  readonly startTime: number;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '..');

/** A filter on libmilter that does nothing; undefined without a C compiler or libmilter. */
export function compileNoop(folder: string): ((socket: string) => readonly string[]) | undefined {
  const binary = join(folder, 'noop');
  try {
    const source = join(root, 'bench/noop-libmilter.c');
    execFileSync('cc', ['-O2', '-o', binary, source, '-lmilter', '-lpthread'], { stdio: 'ignore' });
    return socket => [binary, `unix:${socket}`];
  } catch {
    return undefined;
  }
}

/** The least that Node can do. */
export const bareNode = (socket: string): readonly string[] => [
  process.execPath,
  join(root, 'bench/bare-milter.ts'),
  socket,
];

/** The daemon as it is installed. `database`: a path, or `:memory:`. */
export const daemon =
  (database: string, ...flags: readonly string[]) =>
  (socket: string): readonly string[] => [
    process.execPath,
    join(root, 'bin/milter-greylist.js'),
    '-s',
    `unix:${socket}`,
    '--cachedb',
    database,
    ...flags,
  ];

/** Starts it, its log going nowhere, and waits until it answers. */
export async function start(command: readonly string[], socket: string): Promise<Server> {
  rmSync(socket, { force: true });
  const [program = '', ...args] = command;
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore'] });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  while (!(await answers(socket))) {
    if (child.exitCode !== null) throw new Error(`${command.join(' ')}: ended with ${child.exitCode} at the start`);
    await sleep(2);
  }
  const startTime = performance.now() - begun;
  return { pid: child.pid as number, startTime, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(timer);
}

/** Whether somebody negotiates there. */
function answers(socket: string): Promise<boolean> {
  return new Promise(resolve => {
    const stream = connect(socket);
    stream.on('error', () => resolve(false));
    stream.on('data', () => {
      stream.destroy();
      resolve(true);
    });
    stream.write(Buffer.from('\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff', 'latin1'));
  });
}

/** All threads' user and system time, in microseconds. */
export function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Memory that a process occupies, what it shares with others included. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}
