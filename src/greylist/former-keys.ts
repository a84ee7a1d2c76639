/**
 * Former keys: where else a triplet may be stored that is not found under its key. That is under the forms of keys that were
 * in use before (`key-forms.ts`), and, where something vouches for the network, under the network itself. Only triplets that
 * have passed are of use: a pending one waits anew.
 */
import type { Address } from '../net/address.ts';
import type { Entry, Store, Triplet } from './store.ts';
import { judge, type Timing } from './timing.ts';
import { type KeyForm, tripletOf } from './triplet.ts';

/** A form of keys that is no longer in use. */
export interface FormerForm {
  readonly form: KeyForm;
  /** Epoch milliseconds after which nothing stored under it can be alive. */
  readonly until: number;
}

/** The triplets to look for in place of `triplet`, likeliest first; none of them is the same. */
export function formerTriplets(
  triplet: Triplet,
  [address, sender, recipient]: readonly [Address, string, string],
  form: KeyForm,
  former: readonly FormerForm[],
  key: string | undefined,
  now: number,
): readonly Triplet[] {
  if (former.length === 0 && key === undefined) return none;
  const found: Triplet[] = [];
  const add = (candidate: Triplet): void => {
    if (!isSame(candidate, triplet) && !found.some(other => isSame(candidate, other))) found.push(candidate);
  };
  if (key !== undefined) add(tripletOf(address, sender, recipient, form));
  for (const { form: other, until } of former) {
    if (until < now) continue;
    if (key !== undefined) add(tripletOf(address, sender, recipient, other, key));
    add(tripletOf(address, sender, recipient, other));
  }
  return found;
}

/** The entry of the first of these triplets that is stored, has passed and is still alive. */
export async function findPassed(
  store: Store,
  candidates: readonly Triplet[],
  now: number,
  timing: Timing,
): Promise<Entry | undefined> {
  for (const candidate of candidates) {
    const entry = await store.get(candidate);
    if (entry !== undefined && entry.passed !== null && judge(entry, now, timing).answer.pass) return entry;
  }
  return undefined;
}

/** Stores a triplet that is not, if it has passed under a former key. */
export async function adopt(
  store: Store,
  triplet: Triplet,
  candidates: readonly Triplet[],
  now: number,
  timing: Timing,
): Promise<void> {
  if ((await store.get(triplet)) !== undefined) return;
  const entry = await findPassed(store, candidates, now, timing);
  if (entry === undefined) return;
  await store.update(triplet, stored => ({ answer: undefined, ...(stored === undefined && { store: entry }) }));
}

const none: readonly Triplet[] = [];

function isSame(one: Triplet, other: Triplet): boolean {
  return one.network === other.network && one.sender === other.sender && one.recipient === other.recipient;
}
