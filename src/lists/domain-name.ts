/**
 * Names of hosts and domains in the form they are compared in: lower case, without the dot at the end, and in ASCII (A-labels,
 * RFC 5890), as the DNS has them.
 */
import { domainToASCII } from 'node:url';

const NOT_ASCII = /[^\0-\x7f]/;
const UPPER_CASE = /[A-Z]/;
const longest = 253;
const longestLabel = 63;

/** The comparable form of whatever a client or an MTA calls a name; what is none comes back as it is, in lower case. */
export function comparableName(name: string): string {
  let plain = name;
  if (plain.endsWith('.') && plain.length > 1) plain = plain.slice(0, -1);
  if (NOT_ASCII.test(plain)) return domainToASCII(plain) || plain.toLowerCase();
  return UPPER_CASE.test(plain) ? plain.toLowerCase() : plain;
}

/** Whether a comparable name could stand in the DNS. Addresses can't. */
export function isDomainName(name: string): boolean {
  if (name.length > longest) return false;
  let label = 0;
  let hasLetter = false;
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code === DOT) {
      if (label === 0) return false;
      label = 0;
      continue;
    }
    const isDigit = code >= 0x30 && code <= 0x39;
    // Underscores are no part of host names (RFC 952), but of names in the DNS and in HELO.
    const isOther = (code >= 0x61 && code <= 0x7a) || code === UNDERSCORE || (code === HYPHEN && label > 0);
    if (!isDigit && !isOther) return false;
    if (!isDigit) hasLetter = true;
    if (++label > longestLabel) return false;
  }
  return label > 0 && hasLetter;
}

const DOT = 0x2e;
const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;

/** The name and all that it lies below, each behind a dot: `.mx.example.net`, `.example.net`, `.net`. */
export function enclosingDomains(name: string): readonly string[] {
  const domains = [`.${name}`];
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) domains.push(name.slice(dot));
  return domains;
}
