/**
 * Key building: from a client, a sender and a recipient to the triplet they are greylisted under. Two clients share a
 * triplet if their addresses agree in the leading bits of the prefix, two recipients if `mail-address.ts` says they are one,
 * two senders if `sender-key.ts` does.
 */
import type { Address } from '../net/address.ts';
import { networkOf } from '../net/network.ts';
import { normalizeAddress } from './mail-address.ts';
import { senderKey } from './sender-key.ts';
import type { Triplet } from './store.ts';

/** How many leading bits of a client address are its network. */
export interface Prefixes {
  /** 0 to 32. */
  readonly prefix4: number;
  /** 0 to 128. */
  readonly prefix6: number;
}

/** How keys are built: what a database is read and written by. */
export interface KeyForm extends Prefixes {
  /** `exact` keeps senders apart that only the rules of `sender-key.ts` make one; default `normalized`. */
  readonly senderKey?: 'normalized' | 'exact';
}

/** What stands for a client's network in its triplets. */
export function networkName(address: Address, { prefix4, prefix6 }: Prefixes): string {
  const prefix = address.family === 4 ? prefix4 : prefix6;
  if (latest?.address !== address || latest.prefix !== prefix) {
    latest = { address, prefix, name: networkOf(address, prefix).text };
  }
  return latest.name;
}

/** Several parts ask for the same recipient, one after the other. */
let latest: { readonly address: Address; readonly prefix: number; readonly name: string } | undefined;

/** The sender and recipient may be given with angle brackets or without; `key` takes the network's place, if there is one. */
export function tripletOf(address: Address, sender: string, recipient: string, form: KeyForm, key?: string): Triplet {
  return {
    network: key ?? networkName(address, form),
    sender: form.senderKey === 'exact' ? normalizeAddress(sender) : senderKey(sender, recipient),
    recipient: normalizeAddress(recipient),
  };
}
