/**
 * The client's name, confirmed: the name that the MTA got from the address (PTR) must lead back to that address (A or AAAA),
 * which our own resolver looks up. Whoever owns an address may give it any name; only the owner of the name can have it point
 * back. A look-up that fails is neither yes nor no.
 */
import type { Answer, Resolver } from '../dns/resolver.ts';
import { comparableName, isDomainName } from '../lists/domain-name.ts';
import { NameSubject } from '../lists/subject.ts';
import { parseAddress } from '../net/address.ts';
import type { Session } from './envelope.ts';

/** `unknown`: the DNS could not be asked. */
export type NameStanding = 'confirmed' | 'unconfirmed' | 'unknown';

export interface ClientNames {
  /**
   * Whether the name that the session's client goes by is its own; a client without a name is `unconfirmed`. Asked once a
   * session; synchronous if the cache knows. Never rejects, and takes 2.5 s at most.
   */
  standing(session: Session): NameStanding | Promise<NameStanding>;
}

/** Milliseconds; below the deadline of the checks that wait for it. */
const timeout = 2_500;

export function createClientNames(resolver: Pick<Resolver, 'resolve' | 'cached'>): ClientNames {
  const known = new WeakMap<Session, NameStanding | Promise<NameStanding>>();
  const ask = (session: Session): NameStanding | Promise<NameStanding> => {
    const { address } = session;
    const name = clientName(session);
    if (name === undefined || address === undefined) return 'unconfirmed';
    const type = address.family === 4 ? 'A' : 'AAAA';
    const cached = resolver.cached(name, type);
    if (cached !== undefined && cached.status !== 'failed') return judge(cached, address.text);
    const standing = resolver.resolve(name, type, { timeout }).then(
      answer => judge(answer, address.text),
      (): NameStanding => 'unknown',
    );
    // Later recipients of the session have it at once.
    void standing.then(settled => known.set(session, settled));
    return standing;
  };
  return {
    standing(session) {
      const before = known.get(session);
      if (before !== undefined) return before;
      const standing = ask(session);
      known.set(session, standing);
      return standing;
    },
  };
}

/** The comparable name that the MTA gave for the address; undefined if it had none. */
export function clientName(session: Session): string | undefined {
  return nameSubject(session)?.text;
}

let last: { readonly session: Session; readonly name: NameSubject | undefined } | undefined;

/** The same as patterns see it. The last one is kept: several checks ask about a session one after the other. */
export function nameSubject(session: Session): NameSubject | undefined {
  if (last?.session !== session) {
    const name = comparableName(session.name);
    last = { session, name: name !== 'unknown' && isDomainName(name) ? new NameSubject(name) : undefined };
  }
  return last.name;
}

function judge(answer: Answer, address: string): NameStanding {
  if (answer.status === 'failed') return 'unknown';
  if (answer.status !== 'records') return 'unconfirmed';
  return answer.records.some(record => parseAddress(record)?.text === address) ? 'confirmed' : 'unconfirmed';
}
