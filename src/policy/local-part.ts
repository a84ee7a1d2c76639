/**
 * The local part of an address, as people mean it: in lower case and without `+ext`. For comparing with well-known names
 * only; mail servers may tell local parts apart by case (RFC 5321 section 2.4).
 */

/** `Postmaster+x@example.org` and plain `postmaster` give `postmaster`. */
export function localPart(address: string): string {
  const at = address.lastIndexOf('@');
  const local = at === -1 ? address : address.slice(0, at);
  const plus = local.indexOf('+');
  return (plus > 0 ? local.slice(0, plus) : local).toLowerCase();
}
