/**
 * A resolver fed by a table one reads like a zone file, for tests of whatever asks the DNS. One line an entry, `;` starts a
 * comment, a TTL may stand before the type (default 300), `*` as first label matches every name below that has no entry.
 *
 *     bl.test              SOA                          ; owner of the negative answers below
 *     2.0.0.127.bl.test    A      127.0.0.2
 *     7.113.0.203.bl.test  60 A   127.0.0.2 127.0.0.4   ; several records in one line or in several
 *     7.113.0.203.bl.test  TXT    Listed, see https://bl.test/
 *     alias.test           CNAME  2.0.0.127.bl.test
 *     empty.test           NODATA
 *     *.broken.test        FAIL   servfail no upstream  ; cause, detail
 *     *.dead.test          SILENT                       ; nothing until the look-up's time is over
 *     *.slow.test          DELAY  300                   ; milliseconds before any answer for this name
 *
 * A name with an entry but not of the type asked has no data; any other name does not exist.
 */
import { type Clock, systemTimers, type Timers } from '../../src/clock.ts';
import type { Answer, FailureCause, RecordType, ResolveOptions, Resolver } from '../../src/dns/resolver.ts';
import { FixedClock } from './fixed-clock.ts';

export interface FakeResolverOptions {
  /** For the cache; stands still unless given. */
  readonly clock?: Clock;
  /** For delays and time limits; real ones unless given. */
  readonly timers?: Timers;
  /** Remember what was answered, for its TTL, as the real resolver does. Off unless told. */
  readonly cache?: boolean;
}

interface Node {
  readonly records: Map<RecordType, { readonly ttl: number; readonly texts: string[] }>;
  cname?: string;
  soa?: boolean;
  silent?: boolean;
  delay?: number;
  failure?: { readonly cause: FailureCause; readonly detail: string };
}

const TYPES: readonly string[] = ['A', 'AAAA', 'TXT', 'PTR', 'MX'] satisfies RecordType[];
const LIMIT = 1_500;

export class FakeResolver implements Resolver {
  /** What was asked of the network, in order, as `A name`. Answers from the cache are not in it. */
  readonly queries: string[] = [];
  readonly #nodes = new Map<string, Node>();
  readonly #cache = new Map<string, { readonly answer: Answer; readonly expires: number }>();
  readonly #cacheOn: boolean;
  readonly #clock: Clock;
  readonly #timers: Timers;

  constructor(zone: string = '', options: FakeResolverOptions = {}) {
    this.#cacheOn = options.cache ?? false;
    this.#clock = options.clock ?? new FixedClock();
    this.#timers = options.timers ?? systemTimers;
    this.set(zone);
  }

  /** Adds to the table; every name mentioned loses what it had before. */
  set(zone: string): void {
    const fresh = new Set<string>();
    for (const [index, line] of zone.split('\n').entries()) {
      const words = line.replace(/(^|\s);.*/, '').trim();
      if (words === '') continue;
      const [, name, ttl, type, rest] = /^(\S+)\s+(?:(\d+)\s+)?(\S+)\s*(.*)$/.exec(words) ?? [];
      if (!name || !type) throw new Error(`fake zone line ${index + 1}: "${words}", expected NAME [TTL] TYPE DATA`);
      const key = canonical(name);
      if (!fresh.has(key)) this.remove(key);
      fresh.add(key);
      this.#add(this.#nodes.get(key) ?? { records: new Map() }, key, type, rest ?? '', Number(ttl ?? 300));
    }
  }

  /** Forgets a name: it does not exist any more. The cache keeps what it knows. */
  remove(name: string): void {
    this.#nodes.delete(canonical(name));
  }

  resolve(name: string, type: RecordType, options: ResolveOptions = {}): Promise<Answer> {
    const known = options.bypassCache ? undefined : this.cached(name, type);
    if (known) return Promise.resolve(known);
    const { signal } = options;
    if (signal?.aborted) return Promise.resolve(failed('aborted', 'aborted by the caller'));
    this.queries.push(`${type} ${canonical(name)}`);
    const node = this.#find(canonical(name));
    const answer = this.#answer(canonical(name), type);
    const limit = Math.min(options.timeout ?? LIMIT, LIMIT);
    const delay = node?.silent ? Number.POSITIVE_INFINITY : (node?.delay ?? 0);
    if (delay === 0) return Promise.resolve(this.#store(name, type, answer));
    return new Promise(resolve => {
      const onAbort = (): void => settle(failed('aborted', 'aborted by the caller'));
      const settle = (outcome: Answer): void => {
        stopLimit();
        signal?.removeEventListener('abort', onAbort);
        resolve(outcome);
      };
      const stopLimit = this.#timers.after(limit, () => settle(failed('timeout', `no answer within ${limit} ms`)));
      signal?.addEventListener('abort', onAbort);
      if (delay < Number.POSITIVE_INFINITY) {
        this.#timers.after(delay, () => settle(this.#store(name, type, answer)));
      }
    });
  }

  cached(name: string, type: RecordType): Answer | undefined {
    const entry = this.#cache.get(`${type} ${canonical(name)}`);
    if (!entry || entry.answer.status === 'failed') return undefined;
    const ttl = Math.ceil((entry.expires - this.#clock.monotonic()) / 1000);
    return ttl > 0 ? { ...entry.answer, ttl, from: 'cache' } : undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #add(node: Node, name: string, type: string, data: string, ttl: number): void {
    this.#nodes.set(name, node);
    if (TYPES.includes(type)) {
      const texts = type === 'TXT' || type === 'MX' ? [data] : data.split(/\s+/);
      const set = node.records.get(type as RecordType);
      if (set) set.texts.push(...texts);
      else node.records.set(type as RecordType, { ttl, texts });
    } else if (type === 'SOA') node.soa = true;
    else if (type === 'CNAME') node.cname = canonical(data);
    else if (type === 'SILENT') node.silent = true;
    else if (type === 'DELAY') node.delay = Number(data);
    else if (type === 'FAIL') {
      const [cause, ...detail] = data.split(/\s+/);
      node.failure = { cause: cause as FailureCause, detail: detail.join(' ') || `${cause} from the fake zone` };
    } else if (type !== 'NODATA') throw new Error(`fake zone, name ${name}: unknown type ${type}`);
  }

  #find(name: string): Node | undefined {
    const exact = this.#nodes.get(name);
    if (exact) return exact;
    const labels = name.split('.');
    for (let cut = 1; cut < labels.length; cut++) {
      const wild = this.#nodes.get(`*.${labels.slice(cut).join('.')}`);
      if (wild) return wild;
    }
    return undefined;
  }

  #answer(name: string, type: RecordType): Answer {
    let owner = name;
    let node = this.#find(owner);
    for (let hops = 0; node?.cname !== undefined && hops < 8; hops++) {
      owner = node.cname;
      node = this.#find(owner);
    }
    const cname = owner !== name;
    if (node?.failure) return failed(node.failure.cause, node.failure.detail);
    const set = node?.records.get(type);
    if (set) return { status: 'records', records: set.texts, cname, ttl: set.ttl, from: 'fresh' };
    const soaOwner = this.#soaOwner(owner);
    const status = node && !isBare(node) ? 'nodata' : 'nxdomain';
    return { status, cname, ...(soaOwner !== undefined && { soaOwner }), ttl: 60, from: 'fresh' };
  }

  #soaOwner(name: string): string | undefined {
    const labels = name.split('.');
    for (let cut = 0; cut < labels.length; cut++) {
      const owner = labels.slice(cut).join('.');
      if (this.#nodes.get(owner)?.soa) return owner;
    }
    return undefined;
  }

  #store(name: string, type: RecordType, answer: Answer): Answer {
    if (this.#cacheOn && answer.status !== 'failed') {
      const expires = this.#clock.monotonic() + answer.ttl * 1000;
      this.#cache.set(`${type} ${canonical(name)}`, { answer, expires });
    }
    return answer;
  }
}

/** An entry that says how to answer, not what: the name itself does not exist. */
function isBare(node: Node): boolean {
  return node.records.size === 0 && (node.delay !== undefined || node.silent === true);
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function failed(cause: FailureCause, detail: string): Answer {
  return { status: 'failed', cause, detail };
}
