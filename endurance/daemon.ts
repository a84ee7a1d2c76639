/**
 * The daemon as a process of its own, straight from the sources, on a unix socket, with its database and log in files of a
 * temporary folder that outlive it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectMilter } from '../src/milter/client.ts';
import type { Owner } from '../test/support/temp-dir.ts';

const entry = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

export interface DaemonOptions {
  /** Where its socket, its log and, unless told otherwise, its database lie. */
  readonly folder: string;
  readonly database?: string;
  readonly flags?: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** `file` unless told: what it logs goes to a file. A pipe is the caller's to read. */
  readonly log?: 'file' | 'pipe';
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Daemon {
  readonly socket: string;
  readonly database: string;
  readonly logFile: string;
  readonly process: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;

  private constructor({ folder, database, flags = [], nodeFlags = [], log = 'file' }: DaemonOptions) {
    this.socket = `unix:${join(folder, 'milter.sock')}`;
    this.database = database ?? join(folder, 'greylist.db');
    this.logFile = join(folder, 'daemon.log');
    const file = openSync(this.logFile, 'a');
    const own = ['-s', this.socket, '--cachedb', this.database, '--resolver', '127.0.0.1:9'];
    // A resolver of its own flags takes the place of the one that nobody answers at.
    const base = flags.includes('--resolver') ? own.slice(0, 4) : own;
    this.process = spawn(process.execPath, [...nodeFlags, entry, ...base, ...flags], {
      stdio: ['ignore', 'ignore', log === 'pipe' ? 'pipe' : file],
      env: { ...process.env, STATE_DIRECTORY: undefined, JOURNAL_STREAM: undefined, NODE_OPTIONS: undefined },
    });
    closeSync(file);
    this.pid = this.process.pid ?? 0;
    this.exited = once(this.process, 'exit').then(([code, signal]) => {
      this.exit = { code, signal };
      return this.exit;
    });
  }

  /** Starts it and waits until it serves. */
  static async start(owner: Owner, options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(options);
    owner.after(async () => {
      if (!daemon.exit) daemon.process.kill('SIGKILL');
      await daemon.exited;
    });
    await daemon.serving();
    return daemon;
  }

  /** Resolves when it answers a negotiation. */
  async serving(patience = 120_000): Promise<void> {
    const end = performance.now() + patience;
    for (;;) {
      try {
        await this.ping();
        return;
      } catch (error) {
        if (this.exit) throw new Error(`ended with ${this.exit.code ?? this.exit.signal}: ${this.log.slice(-2_000)}`);
        if (performance.now() > end) throw new Error(`does not serve after ${patience} ms`, { cause: error });
        await sleep(5);
      }
    }
  }

  /** Milliseconds from the connection to the answer of the negotiation, which asks nothing of anyone but the event loop. */
  async ping(timeout = 30_000): Promise<number> {
    const start = performance.now();
    const client = await connectMilter(this.socket, { timeout });
    try {
      await client.negotiate();
      return performance.now() - start;
    } finally {
      client.quit();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.exited;
  }

  /** All it has logged to its file. */
  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Resident memory, in bytes. */
  get rss(): number {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  }

  /** Milliseconds of processor time that it has used, in ticks of ten. */
  get processorTime(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** Open descriptors. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }
}

/** Says every 20 ms how long the daemon takes for what only needs its event loop; the worst is what counts. */
export async function watchPings(
  daemon: Daemon,
  until: Promise<unknown>,
): Promise<{ readonly worst: number; readonly answered: number; readonly failed: number }> {
  let over = false;
  void until.finally(() => {
    over = true;
  });
  let worst = 0;
  let answered = 0;
  let failed = 0;
  while (!over) {
    try {
      worst = Math.max(worst, await daemon.ping());
      answered += 1;
    } catch {
      failed += 1;
    }
    await sleep(20);
  }
  return { worst, answered, failed };
}
