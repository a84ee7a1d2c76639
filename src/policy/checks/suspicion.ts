/**
 * `suspicion`: what speaks against a client short of refusing it. If only suspicious clients are greylisted, all others are
 * accepted here; in any case a suspicion may have a delay of its own, the longest of which holds.
 *
 * Nobody is suspicious for what could not be found out, nor whoever has logged in or comes from a listener for our own users:
 * about them nothing is looked up.
 */
import type { Result } from '../../dnsbl/result.ts';
import type { Check, Word } from '../check.ts';
import { type ClientNames, clientName } from '../client-name.ts';
import type { Envelope } from '../envelope.ts';
import type { SessionBallots } from '../session-ballots.ts';
import type { Accept } from '../verdict.ts';

/** What may make a client suspicious. */
export type Suspicion = 'dnsbl' | 'no-name' | 'spf-softfail' | 'spf-fail';

export interface SuspicionClass {
  /** Milliseconds that such clients wait; undefined: as long as others. */
  readonly delay: number | undefined;
}

export interface SuspicionOptions {
  /** Whom the greylist is for. */
  readonly when: 'always' | 'suspicious';
  readonly dnsbl:
    | (SuspicionClass & { /** What the listings' weights must come to. */ readonly score: number })
    | undefined;
  readonly noName: SuspicionClass | undefined;
  readonly spfSoftfail: SuspicionClass | undefined;
  readonly spfFail: SuspicionClass | undefined;
  readonly ballots: SessionBallots | undefined;
  /** Undefined: the name that the MTA tells counts, if it tells one. */
  readonly names: Pick<ClientNames, 'standing'> | undefined;
  /** What SPF says of a recipient's message (RFC 7208 section 2.6); undefined: nobody has asked. */
  readonly spf: ((envelope: Envelope) => string | undefined | Promise<string | undefined>) | undefined;
  readonly originating: ReadonlySet<string>;
}

const unsuspicious: Accept = { action: 'accept', reason: 'unsuspicious' };

export function suspicionCheck(options: SuspicionOptions): Check {
  const { when, originating } = options;
  const conclude = (found: readonly (Suspicion | undefined)[]): Word => {
    const suspicions = found.filter(suspicion => suspicion !== undefined);
    if (suspicions.length === 0) return when === 'suspicious' ? unsuspicious : undefined;
    const delays = suspicions.map(suspicion => classOf(options, suspicion)?.delay ?? -1);
    const delay = Math.max(...delays);
    const fields = { suspicion: suspicions.join(',') };
    return { action: 'advise', fields, ...(delay >= 0 && { greylist: { delay } }) };
  };
  return {
    name: 'suspicion',
    canAccept: when === 'suspicious',
    advisory: when === 'always',
    // The look-ups keep shorter limits of their own, and what they can't find out is no suspicion.
    deadline: 4_000,
    run(envelope) {
      const { session, authenticated } = envelope;
      if (authenticated !== undefined || originating.has(session.daemonName ?? '')) return conclude([]);
      const found = [byList(options, envelope), byName(options, envelope), bySpf(options, envelope)];
      if (found.some(suspicion => suspicion instanceof Promise)) return Promise.all(found).then(conclude);
      return conclude(found as readonly (Suspicion | undefined)[]);
    },
    subject: () => {
      const looked = [
        options.dnsbl && 'blocklists',
        options.noName && 'name',
        options.spfSoftfail && 'SPF softfail',
        options.spfFail && 'SPF fail',
      ];
      return `${looked.filter(Boolean).join(', ')}; greylisting ${when === 'always' ? 'everyone' : 'only the suspicious'}`;
    },
  };
}

type Found = Suspicion | undefined | Promise<Suspicion | undefined>;

function classOf(options: SuspicionOptions, suspicion: Suspicion): SuspicionClass | undefined {
  switch (suspicion) {
    case 'dnsbl':
      return options.dnsbl;
    case 'no-name':
      return options.noName;
    case 'spf-softfail':
      return options.spfSoftfail;
    case 'spf-fail':
      return options.spfFail;
  }
}

function byList({ dnsbl, ballots }: SuspicionOptions, { session }: Envelope): Found {
  if (dnsbl === undefined || ballots === undefined) return undefined;
  const judge = (result: Result): Suspicion | undefined => (scoreOf(result) >= dnsbl.score ? 'dnsbl' : undefined);
  const ballot = ballots.of(session);
  return ballot?.result ? judge(ballot.result) : ballot?.promise?.then(judge);
}

/** Weights are 1 where none are given; those of allow lists are negative. */
function scoreOf({ words }: Result): number {
  return words.reduce((sum, { vote }) => sum + (vote?.vote === 'listed' ? vote.score : 0), 0);
}

function byName({ noName, names }: SuspicionOptions, { session, macros }: Envelope): Found {
  if (noName === undefined) return undefined;
  // The MTA could not ask.
  if (macros.get('client_resolve') === 'TEMP') return undefined;
  if (clientName(session) === undefined) return 'no-name';
  const standing = names?.standing(session) ?? 'confirmed';
  const judge = (known: Awaited<typeof standing>): Suspicion | undefined =>
    known === 'unconfirmed' ? 'no-name' : undefined;
  return standing instanceof Promise ? standing.then(judge) : judge(standing);
}

function bySpf({ spf, spfSoftfail, spfFail }: SuspicionOptions, envelope: Envelope): Found {
  if (spf === undefined || (spfSoftfail === undefined && spfFail === undefined)) return undefined;
  const judge = (result: string | undefined): Suspicion | undefined => {
    if (result === 'fail' && spfFail) return 'spf-fail';
    return result === 'softfail' && spfSoftfail ? 'spf-softfail' : undefined;
  };
  const result = spf(envelope);
  return result instanceof Promise ? result.then(judge) : judge(result);
}
