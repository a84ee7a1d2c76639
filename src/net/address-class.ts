/**
 * What kind of address it is, by the registries of special-purpose addresses (RFC 6890 and its successors). Two questions
 * hang on it: does the client belong to us, and may a stranger's name server be asked about it.
 */
import type { Address } from './address.ts';
import { parseNetwork } from './network.ts';
import { PrefixTable } from './prefix-table.ts';

export type AddressClass =
  | 'public'
  | 'loopback'
  | 'private' // RFC 1918
  | 'link-local'
  | 'unique-local' // RFC 4193
  | 'carrier-grade' // RFC 6598: shared behind a provider's NAT
  | 'documentation' // RFC 5737, RFC 3849: examples and tests
  | 'translated' // an IPv4 address in IPv6 clothes: 6to4, Teredo, NAT64
  | 'multicast'
  | 'reserved';

const classes: readonly (readonly [AddressClass, readonly string[]])[] = [
  ['public', ['0.0.0.0/0', '2000::/3']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  ['unique-local', ['fc00::/7']],
  ['carrier-grade', ['100.64.0.0/10']],
  ['documentation', ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32']],
  ['translated', ['2002::/16', '2001::/32', '64:ff9b::/96', '64:ff9b:1::/48']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  // Around 2000::/3 IPv6 is not given out. 3fff::/20 (RFC 9637) is for documents too; no list knows it.
  ['reserved', ['0.0.0.0/8', '192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15', '240.0.0.0/4']],
  ['reserved', ['192.31.196.0/24', '192.52.193.0/24', '192.175.48.0/24']],
  ['reserved', ['::/0', '2001::/23', '2620:4f:8000::/48', '3fff::/20']],
];

const table = new PrefixTable<AddressClass>();
for (const [name, networks] of classes) for (const network of networks) table.add(parseNetwork(network), name);

export function classify(address: Address): AddressClass {
  return table.find(address) ?? 'reserved';
}

/** Loopback, private, link-local or unique-local: a client of our own, or a proxy in front of us. */
export function isLocal(address: Address): boolean {
  const kind = classify(address);
  return kind === 'loopback' || kind === 'private' || kind === 'link-local' || kind === 'unique-local';
}

/**
 * Whether a DNS blocklist may be asked about the address. Everything but public addresses means something else to everyone
 * or says something about our network; only the documentation networks are asked about as well, because examples and tests
 * live there.
 */
export function mayLookUp(address: Address): boolean {
  const kind = classify(address);
  return kind === 'public' || kind === 'documentation';
}
