/**
 * The configuration: what the daemon does, resolved and immutable, however it was said. All durations are milliseconds.
 * `DEFAULTS` is what a daemon without any flag does.
 */
import type { LogFormat } from '../log/format.ts';

export interface Config {
  /** The filter's name, shown to the MTA and in the headers it adds. */
  readonly name: string;
  /** Where to listen, as `parseListenAddress` reads it. */
  readonly sockets: readonly string[];
  /** Permission bits of unix sockets. */
  readonly socketMode: number;
  /** Group of unix sockets, a name or number; undefined: `postfix` if started as root and it exists, else the process's. */
  readonly socketGroup: string | undefined;
  /** `user` or `user:group`, names or numbers, to become once the sockets are bound; undefined: stay who we are. */
  readonly user: string | undefined;
  readonly greylist: GreylistConfig;
  /** Path of the database, `:memory:`, or undefined for the default place. */
  readonly cachedb: string | undefined;
  /** How safe a commit is: with `NORMAL` a power cut may lose the last ones, with `FULL` none. */
  readonly synchronous: 'NORMAL' | 'FULL';
  readonly whitelistFiles: readonly string[];
  readonly blacklistFiles: readonly string[];
  readonly dnsbl: DnsblConfig;
  /** Whether loopback and private clients are accepted unasked. */
  readonly localAccepts: boolean;
  /** Recipients' local parts that are never refused, in lower case. */
  readonly exemptLocalParts: readonly string[];
  /** `{daemon_name}`s of listeners for our own users' mail, whose clients are not looked up in DNSBLs. */
  readonly originatingDaemons: readonly string[];
  /** What becomes of a recipient if the greylist or its store fails. */
  readonly onFailure: 'accept' | 'tempfail';
  readonly logFormat: LogFormat;
  /** 0: warnings and decisions; 1: information too; 2: all. */
  readonly verbosity: number;
}

export interface GreylistConfig {
  /** How long a new triplet waits. */
  readonly delay: number;
  /** How long after its first attempt a pending triplet may come back and pass. */
  readonly retryWindow: number;
  /** How long a triplet that passed is remembered after its last use. */
  readonly lifetime: number;
  /** A pending triplet that comes back sooner than this starts its wait again; 0: never. */
  readonly tooSoon: number;
  /** Prefix lengths that make a client address a network. */
  readonly prefix4: number;
  readonly prefix6: number;
}

export interface DnsblConfig {
  /** `zone[=filter][*weight]`, in the order in which they are named to clients. May hold keys: never show them as they are. */
  readonly zones: readonly string[];
  readonly policy: DnsblPolicy;
  /** Whether listed clients are refused; else their mail is only tagged. */
  readonly reject: boolean;
  /** `ADDR` or `ADDR:PORT`; empty: those of the system. */
  readonly resolvers: readonly string[];
  /** Where questions and answers are logged; undefined: nowhere. */
  readonly debugFile: string | undefined;
}

export type DnsblPolicy = 'any' | 'all' | 'majority';
export const DNSBL_POLICIES: readonly DnsblPolicy[] = ['any', 'all', 'majority'];

const MINUTE = 60_000;
const DAY = 86_400_000;

export const DEFAULTS: Config = {
  name: 'milter-greylist',
  sockets: ['inet:8892@127.0.0.1'],
  socketMode: 0o660,
  socketGroup: undefined,
  user: undefined,
  greylist: { delay: 5 * MINUTE, retryWindow: 2 * DAY, lifetime: 36 * DAY, tooSoon: 0, prefix4: 24, prefix6: 64 },
  cachedb: undefined,
  synchronous: 'NORMAL',
  whitelistFiles: [],
  blacklistFiles: [],
  dnsbl: { zones: [], policy: 'any', reject: true, resolvers: [], debugFile: undefined },
  localAccepts: true,
  exemptLocalParts: ['postmaster', 'abuse'],
  originatingDaemons: ['ORIGINATING'],
  onFailure: 'accept',
  logFormat: 'logfmt',
  verbosity: 0,
};
