/**
 * SPF by mailauth: strictly as RFC 7208 has it, with its limits (ten look-ups, two of them void), on our own resolver, and with
 * one deadline for everything. The library is handed in, since it is only loaded if it is needed.
 *
 * A domain that lets anybody send (`+all`, or networks as wide as the world) is found out by asking it about an address that
 * nobody sends from: what that one is told is worth nothing.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Answer, RecordType, Resolver } from '../dns/resolver.ts';
import { type SpfFinding, type SpfPort, type SpfQuery, type SpfResult, spfResults } from './spf.ts';

/** What we use of `mailauth/lib/spf`. */
export type MailauthSpf = (options: {
  readonly sender: string;
  readonly ip: string;
  readonly helo: string;
  readonly strict: true;
  readonly resolver: (name: string, type: string) => Promise<readonly unknown[]>;
}) => Promise<{ readonly domain: string; readonly status: { readonly result: string } }>;

export interface MailauthSpfOptions {
  readonly spf: MailauthSpf;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Milliseconds for one check, the second look for records that let everybody send included. */
const LIMIT = 3_000;
/** Reserved (RFC 1112 section 4) and for discarding (RFC 6666): no mail comes from there. */
const NOBODY = { 4: '240.0.0.1', 6: '100::1' } as const;

export function createMailauthSpf(options: MailauthSpfOptions): SpfPort {
  return { check: query => check(query, options) };
}

async function check({ address, helo, sender }: SpfQuery, options: MailauthSpfOptions): Promise<SpfFinding> {
  const name = helo !== undefined && HOST_NAME.test(helo) ? helo : '';
  if (sender === '' && name === '') return nothing;
  const { spf, timers } = options;
  const abort = new AbortController();
  let failures = 0;
  const resolver = limited(options, abort.signal, () => failures++);
  const ask = (ip: string): ReturnType<MailauthSpf> => spf({ sender, ip, helo: name, strict: true, resolver });
  const evaluate = async (): Promise<SpfFinding> => {
    const { domain, status } = await ask(address.text);
    const result = resultOf(status.result);
    // Where a PTR can't be had the standard goes on as if there were none (RFC 7208 section 5.5): a `fail` by a fault is none here.
    if (result !== 'pass' && failures > 0) return { ...failed, domain };
    const everyone = result === 'pass' && (await ask(NOBODY[address.family])).status.result === 'pass';
    return { result, domain, everyone };
  };
  const late = Promise.withResolvers<SpfFinding>();
  const cancel = timers.after(LIMIT, () => {
    late.resolve(failed);
    abort.abort();
  });
  try {
    return await Promise.race([evaluate().catch(() => failed), late.promise]);
  } finally {
    cancel();
  }
}

const nothing: SpfFinding = { result: 'none', domain: '', everyone: false };
const failed: SpfFinding = { result: 'temperror', domain: '', everyone: false };
/** What the null sender may be asked about: no address literal, and nothing that isn't a name. */
const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?$/i;
/** What a question can be made of. */
const DNS_NAME = /^[!-~]{1,253}$/;

function resultOf(word: string): SpfResult {
  return spfResults.find(result => result === word) ?? 'temperror';
}

const supported: ReadonlySet<string> = new Set<RecordType>(['A', 'AAAA', 'TXT', 'PTR', 'MX']);

/** Our resolver as the library wants it: like `dns.promises.resolve`, failures told by the codes of their errors. */
function limited(
  { resolver, clock }: MailauthSpfOptions,
  signal: AbortSignal,
  onFailure: () => void,
): Parameters<MailauthSpf>[0]['resolver'] {
  const end = clock.monotonic() + LIMIT;
  return async (name, type) => {
    const left = end - clock.monotonic();
    if (left <= 0 || signal.aborted) throw coded('ETIMEOUT');
    // A name that macros have made of a stranger's words does not exist (RFC 7208 section 4.8).
    if (!supported.has(type) || !isName(name)) throw coded('ENOTFOUND');
    const answer = await resolver.resolve(name, type as RecordType, { timeout: left, signal });
    if (answer.status === 'failed') onFailure();
    return recordsOf(answer, type);
  };
}

function isName(name: string): boolean {
  return DNS_NAME.test(name) && name.split('.').every(label => label.length > 0 && label.length <= 63);
}

function recordsOf(answer: Answer, type: string): readonly unknown[] {
  switch (answer.status) {
    case 'records':
      if (type === 'TXT') return answer.records.map(text => [text]);
      return type === 'MX' ? answer.records.map(exchangeOf) : answer.records;
    case 'nxdomain':
      throw coded('ENOTFOUND');
    case 'nodata':
      throw coded('ENODATA');
    case 'failed':
      throw coded(answer.cause === 'timeout' ? 'ETIMEOUT' : 'ESERVFAIL');
  }
}

function exchangeOf(record: string): { readonly priority: number; readonly exchange: string } {
  const space = record.indexOf(' ');
  return { priority: Number(record.slice(0, space)), exchange: record.slice(space + 1) };
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
