/**
 * Names of hosts and domains in the form they are compared in: lower case, without the dot at the end, and in ASCII (A-labels,
 * RFC 5890), as the DNS has them.
 */
import { domainToASCII } from 'node:url';

const NOT_ASCII = /[^\0-\x7f]/;
const UPPER_CASE = /[A-Z]/;
/** Underscores are no part of host names (RFC 952), but of names in the DNS and in HELO. */
const LABELS = /^(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*$/;
const longest = 253;

/** The comparable form of whatever a client or an MTA calls a name; what is none comes back as it is, in lower case. */
export function comparableName(name: string): string {
  let plain = name;
  if (plain.endsWith('.') && plain.length > 1) plain = plain.slice(0, -1);
  if (NOT_ASCII.test(plain)) return domainToASCII(plain) || plain.toLowerCase();
  return UPPER_CASE.test(plain) ? plain.toLowerCase() : plain;
}

/** Whether a comparable name could stand in the DNS. Addresses can't. */
export function isDomainName(name: string): boolean {
  return name.length <= longest && LABELS.test(name) && !/^[\d.]+$/.test(name);
}

/** The name and all that it lies below, each behind a dot: `.mx.example.net`, `.example.net`, `.net`. */
export function enclosingDomains(name: string): readonly string[] {
  const domains = [`.${name}`];
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) domains.push(name.slice(dot));
  return domains;
}
