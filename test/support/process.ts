/**
 * Child processes for tests: start one, wait for a line it prints or a port it opens, stop it by its process id. Every child
 * leads a process group of its own; the group is gone when the child ends, and at the latest when its owner does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type ListenOptions, type Server } from 'node:net';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { Bell, PATIENCE } from './bell.ts';
import type { Owner } from './temp-dir.ts';

/** How a process ended: an exit code or the signal that killed it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  readonly cwd?: string;
  /** Set on top of this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to standard input, which is then closed. */
  readonly input?: string;
}

/** Servers live in `sbin`, which is not on everyone's PATH. */
const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.signalGroup('SIGKILL');
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));

export class Child {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #news = new Bell();
  #stdout = '';
  #stderr = '';
  #exit: Exit | undefined;

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.#name = [command, ...args].join(' ');
    const env = { ...process.env, PATH: path, NODE_TEST_CONTEXT: undefined, ...options.env };
    this.#process = spawn(command, args, { cwd: options.cwd, env, detached: true, stdio: 'pipe' });
    this.pid = this.#process.pid ?? 0;
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#news.ring();
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#news.ring();
    });
    this.#process.stdin?.on('error', () => {}); // a child that is gone before it read its input shows in `exited`
    this.#process.stdin?.end(options.input ?? '');
    running.add(this);
    this.exited = this.#end();
    this.exited.catch(() => {}); // whoever awaits it is told; nobody has to
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** How it ended, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /**
   * Resolves to the first line on either stream that matches, also one printed before; from character `from` of each stream
   * on. Rejects, with all that was printed, when the child ends or `timeout` milliseconds are over.
   */
  line(pattern: RegExp, { timeout = PATIENCE, from = { stdout: 0, stderr: 0 } } = {}): Promise<RegExpExecArray> {
    const look = () => {
      for (const text of [this.#stdout.slice(from.stdout), this.#stderr.slice(from.stderr)]) {
        for (const line of text.split('\n').slice(0, -1)) {
          const match = pattern.exec(line);
          if (match) return match;
        }
      }
      return undefined;
    };
    return this.printed(`${pattern}`, look, timeout);
  }

  /** The same for whatever `look` finds in the output; `what` names it in the error. */
  async printed<T>(what: string, look: () => T | undefined, timeout = PATIENCE): Promise<T> {
    const found = await this.#news.until(() => look() ?? this.#exit, timeout);
    const last = look(); // the end may have come with the last words
    if (last !== undefined) return last;
    throw this.failure(found ? `ended before it printed ${what}` : `did not print ${what} within ${timeout} ms`);
  }

  /** Where both streams stand now, for `line(pattern, { from })`. */
  mark(): { readonly stdout: number; readonly stderr: number } {
    return { stdout: this.#stdout.length, stderr: this.#stderr.length };
  }

  /** Sends a signal to the child alone. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#process.kill(signal);
  }

  /** Sends a signal to the child and everything it started in its group. Does nothing once the child has ended. */
  signalGroup(signal: NodeJS.Signals): void {
    if (this.#exit || this.pid === 0) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // no such group: all of it has ended
    }
  }

  /** Sends `signal`, waits for the end, and kills the group if `grace` milliseconds were not enough. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', grace = PATIENCE): Promise<Exit> {
    if (!this.#exit) this.kill(signal);
    const impatience = setTimeout(() => this.signalGroup('SIGKILL'), grace);
    const exit = await this.exited.finally(() => clearTimeout(impatience));
    this.#process.stdout?.destroy(); // an orphan that left the group may hold the pipes, and they would hold us
    this.#process.stderr?.destroy();
    return exit;
  }

  failure(what: string): Error {
    return new Error(`${this.#name}: ${what}\n--- stdout\n${this.#stdout}\n--- stderr\n${this.#stderr}`);
  }

  async #end(): Promise<Exit> {
    try {
      const closed = once(this.#process, 'close').catch(() => {});
      const [code, signal] = (await once(this.#process, 'exit')) as [number | null, NodeJS.Signals | null];
      this.signalGroup('SIGKILL'); // what it left behind
      await Promise.race([closed, lastOutput()]);
      this.#exit = { code, signal };
      return this.#exit;
    } catch (error) {
      this.#exit = { code: null, signal: null };
      throw new Error(`${this.#name}: can't be started`, { cause: error });
    } finally {
      running.delete(this);
      this.#news.ring();
    }
  }
}

/**
 * Resolves when what a child printed before its end has been read from its pipes. Not when they are closed: an orphan may hold
 * them for ever. All of it is in the pipes by then, but after a time in which this process had to wait for a processor, the timer is
 * served before them; so the event loop gets some turns.
 */
async function lastOutput(): Promise<void> {
  await sleep(200);
  for (let turns = 0; turns < 20; turns++) await turn();
}

/** Starts a child that does not outlive its owner. */
export function spawnChild(owner: Owner, command: string, args: readonly string[] = [], options?: SpawnOptions): Child {
  const child = new Child(command, args, options);
  owner.after(async () => {
    await child.stop('SIGTERM', 2_000).catch(() => {});
  });
  return child;
}

/** Runs a program to its end, at most `timeout` milliseconds, and returns what it printed. */
export async function run(
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions & { readonly timeout?: number } = {},
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const child = new Child(command, args, options);
  const timer = setTimeout(() => child.signalGroup('SIGKILL'), options.timeout ?? 2 * PATIENCE);
  try {
    const exit = await child.exited;
    return { ...exit, stdout: child.stdout, stderr: child.stderr };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A port that nobody has now, for TCP nor UDP, and that no other test is given while this process runs: files run at the same time.
 * It lies below the range that outgoing connections take theirs from.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(20_000, 32_000);
    if (!(await claimed(port))) continue;
    const tcp = await listening({ port, host });
    const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4').bind(port, host);
    const bound = await succeeds(once(udp, 'listening'));
    for (const socket of [...(tcp ? [tcp] : []), ...(bound ? [udp] : [])]) {
      socket.close();
      await once(socket, 'close');
    }
    if (tcp && bound) return port;
  }
  throw new Error(`found no free port on ${host}`);
}

/** Claims a port among all tests of this machine, by a name in Linux's abstract namespace that ends with this process. */
async function claimed(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const claim = await listening({ path: `\0milter-greylist-test-port-${port}` });
  claim?.unref();
  return claim !== undefined;
}

async function listening(options: ListenOptions): Promise<Server | undefined> {
  const server = createServer().listen(options);
  return (await succeeds(once(server, 'listening'))) ? server : undefined;
}

function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

/** Waits until something accepts connections at a TCP port or unix socket path; rejects if `child` ends before. */
export async function waitForListener(
  target: { readonly port: number; readonly host?: string } | { readonly path: string },
  child: Child,
  timeout = PATIENCE,
): Promise<void> {
  const end = performance.now() + timeout;
  while (!(await accepts(target))) {
    if (child.exit) throw child.failure(`ended before it listened at ${JSON.stringify(target)}`);
    if (performance.now() >= end)
      throw child.failure(`does not listen at ${JSON.stringify(target)} after ${timeout} ms`);
    await sleep(5);
  }
}

function accepts(
  target: { readonly port: number; readonly host?: string } | { readonly path: string },
): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(target);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The full path of a program, or undefined if it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  const found = await run('/bin/sh', ['-c', 'command -v "$1"', 'sh', name]);
  return found.code === 0 ? found.stdout.trim() : undefined;
}
