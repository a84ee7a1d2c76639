/**
 * Mail addresses in the form they are compared in. Two are one if they differ in nothing but
 *
 * - the case of ASCII letters (RFC 5321 section 2.4 lets the local part's case matter; no one who retries depends on it),
 * - one pair of angle brackets around the whole,
 * - dots at the end.
 *
 * Everything else, whatever characters it holds, stays different, and stays readable. What more is alike in senders is in
 * `sender-key.ts`.
 */

/** The null sender, `<>` or nothing, is the empty string; nothing else is. */
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
