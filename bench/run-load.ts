/**
 * Puts load on a milter: by our own client in a process of its own (`load.ts`), or by `miltload`, a generator in C, if the environment variable
 * `MILTLOAD` has its path.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface LoadOptions {
  /** Path of the milter's unix socket. */
  readonly socket: string;
  /** Connections open at once, at most. */
  readonly connections: number;
  /** For how long sessions are counted, after the warm-up. */
  readonly seconds?: number;
  readonly warmUp?: number;
  /** Instead of a time: exactly so many sessions. */
  readonly sessions?: number;
  /** Sessions of another seed have other triplets; those of one seed come in the same order. */
  readonly seed: number;
  /** Different triplets; then they begin anew. */
  readonly span: number;
  /** Open loop, sessions a second; else as many as there can be. */
  readonly rate?: number;
  /** The milter's process, for its time and memory. */
  readonly pid?: number;
}

export interface Figures {
  /** Sessions a second. */
  readonly rate: number;
  readonly errors: number;
  /** Microseconds of the milter's processor time a session, all threads. */
  readonly cpu: number;
  /** Bytes the milter occupies at the end. */
  readonly resident: number;
  /** Microseconds from RCPT to its answer; in open loop from when the session was due. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const run = promisify(execFile);
const miltload = process.env.MILTLOAD;

/** The name of the generator in use. */
export const generator: string = miltload === undefined ? 'bench/load.ts' : 'miltload';

export async function runLoad(options: LoadOptions): Promise<Figures> {
  if (miltload !== undefined) return runMiltload(miltload, options);
  const file = join(import.meta.dirname, 'load.ts');
  const { stdout } = await run(process.execPath, [file, JSON.stringify(options)]);
  return JSON.parse(stdout) as Figures;
}

async function runMiltload(program: string, options: LoadOptions): Promise<Figures> {
  const { socket, connections, seconds, warmUp, sessions, seed, span, rate, pid } = options;
  const flags: Readonly<Record<string, string | number | undefined>> = {
    '-c': connections,
    '-d': seconds,
    '-w': warmUp,
    '-n': sessions,
    '-s': seed,
    '-u': span,
    '-R': rate,
    '--pid': pid,
  };
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
  const { stdout } = await run(program, [...given, '--json', `unix:${socket}`]).catch(error => error);
  const report = JSON.parse(stdout);
  const { p50, p99, p999, max } = rate === undefined ? report.latency_us.rcpt : report.latency_us.envelope;
  return {
    rate: report.sessions_per_s,
    errors: report.error_total,
    cpu: report.daemon?.cpu_us_per_session ?? 0,
    resident: (report.daemon?.rss_kib ?? 0) * 1_024,
    p50,
    p99,
    p999,
    max,
  };
}
