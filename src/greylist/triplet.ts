/**
 * Key building: from a client, a sender and a recipient to the triplet they are greylisted under. Two clients share a
 * triplet if their addresses agree in the leading bits of the prefix; two mail addresses if they differ in nothing but
 *
 * - the case of ASCII letters (RFC 5321 section 2.4 lets the local part's case matter; no one who retries depends on it),
 * - one pair of angle brackets around the whole,
 * - dots at the end.
 *
 * Everything else, whatever characters it holds, stays different, and stays readable.
 */
import type { Address } from '../net/address.ts';
import { networkOf } from '../net/network.ts';
import type { Triplet } from './store.ts';

/** How many leading bits of a client address are its network. */
export interface Prefixes {
  /** 0 to 32. */
  readonly prefix4: number;
  /** 0 to 128. */
  readonly prefix6: number;
}

/** The sender and recipient may be given with angle brackets or without; `key` takes the network's place, if there is one. */
export function tripletOf(
  address: Address,
  sender: string,
  recipient: string,
  prefixes: Prefixes,
  key?: string,
): Triplet {
  const prefix = address.family === 4 ? prefixes.prefix4 : prefixes.prefix6;
  return {
    network: key ?? networkOf(address, prefix).text,
    sender: normalizeAddress(sender),
    recipient: normalizeAddress(recipient),
  };
}

/** A mail address in the form it is compared in. The null sender, `<>` or nothing, is the empty string; nothing else is. */
export function normalizeAddress(address: string): string {
  let start = 0;
  let end = address.length;
  if (end > 1 && address.charCodeAt(0) === LESS && address.charCodeAt(end - 1) === GREATER) {
    start++;
    end--;
  }
  while (end - start > 1 && address.charCodeAt(end - 1) === DOT) end--;
  const plain = end - start === address.length ? address : address.slice(start, end);
  return UPPER_CASE.test(plain) ? plain.replace(UPPER_CASE_RUNS, lowerCase) : plain;
}

const LESS = 0x3c;
const GREATER = 0x3e;
const DOT = 0x2e;
const UPPER_CASE = /[A-Z]/;
const UPPER_CASE_RUNS = /[A-Z]+/g;

/** Called with ASCII letters only: alone, `toLowerCase` would also turn the Kelvin sign into `k`. */
function lowerCase(letters: string): string {
  return letters.toLowerCase();
}
