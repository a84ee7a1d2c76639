/**
 * The client's name, confirmed: the name that the MTA got from the address (PTR) must lead back to that address (A or AAAA),
 * which our own resolver looks up. Whoever owns an address may give it any name; only the owner of the name can have it point
 * back. A look-up that fails is neither yes nor no.
 *
 * Postfix calls a client `unknown` both if it has no name and if it could not be asked about just now. Where the difference matters
 * the PTR is looked up here.
 */
import type { Answer, Resolver } from '../dns/resolver.ts';
import { reversedLabels } from '../dnsbl/query-name.ts';
import { comparableName, isDomainName } from '../lists/domain-name.ts';
import { NameSubject } from '../lists/subject.ts';
import { type Address, parseAddress } from '../net/address.ts';
import type { Session } from './envelope.ts';

/** `unknown`: the DNS could not be asked. */
export type NameStanding = 'confirmed' | 'unconfirmed' | 'unknown';

export interface ClientNames {
  /**
   * Whether the name that the session's client goes by is its own; a client without a name is `unconfirmed`. Asked once a
   * session; synchronous if the cache knows. Never rejects, and takes 2.5 s at most.
   */
  standing(session: Session): NameStanding | Promise<NameStanding>;
  /**
   * Whether a client that the mail server gave no name for has none for certain: no PTR, or none that leads back. Asked once a
   * session. Never rejects, and takes 2.5 s at most.
   */
  isNameless(session: Session): Promise<boolean>;
}

/** Milliseconds; below the deadline of the checks that wait for it. */
const timeout = 2_500;
/** Of these the PTR may take so many. */
const pointerTimeout = 1_500;
/** Names of one address that are looked at. */
const mostNames = 4;

export function createClientNames(resolver: Pick<Resolver, 'resolve' | 'cached'>): ClientNames {
  const known = new WeakMap<Session, NameStanding | Promise<NameStanding>>();
  const nameless = new WeakMap<Session, Promise<boolean>>();
  const ask = (session: Session): NameStanding | Promise<NameStanding> => {
    const { address } = session;
    const name = clientName(session);
    if (name === undefined || address === undefined) return 'unconfirmed';
    const type = typeOf(address);
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
    isNameless(session) {
      const before = nameless.get(session);
      if (before !== undefined) return before;
      const { address } = session;
      const certain = address === undefined ? Promise.resolve(true) : hasNoName(address, resolver).catch(() => false);
      nameless.set(session, certain);
      return certain;
    },
  };
}

async function hasNoName(address: Address, resolver: Pick<Resolver, 'resolve'>): Promise<boolean> {
  const reverse = `${reversedLabels(address)}.${address.family === 4 ? 'in-addr.arpa' : 'ip6.arpa'}`;
  const pointer = await resolver.resolve(reverse, 'PTR', { timeout: pointerTimeout });
  if (pointer.status !== 'records') return pointer.status !== 'failed';
  const names = pointer.records.map(comparableName).filter(isDomainName);
  // What more there is nobody looks at: one of them may lead back.
  if (names.length > mostNames) return false;
  const options = { timeout: timeout - pointerTimeout };
  const answers = await Promise.all(names.map(name => resolver.resolve(name, typeOf(address), options)));
  return answers.every(answer => judge(answer, address.text) === 'unconfirmed');
}

function typeOf({ family }: Address): 'A' | 'AAAA' {
  return family === 4 ? 'A' : 'AAAA';
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
