/**
 * Public resolvers. Most DNS blocklists refuse queries that come through one (Spamhaus answers 127.255.255.254), and some
 * public resolvers rewrite answers; so whoever uses one is told.
 */
import { SocketAddress } from 'node:net';
import type { ServerAddress } from './servers.ts';

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  'Google Public DNS': ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'],
  Cloudflare: [
    ...['1.1.1.1', '1.0.0.1', '1.1.1.2', '1.0.0.2', '1.1.1.3', '1.0.0.3'],
    ...['2606:4700:4700::1111', '2606:4700:4700::1001', '2606:4700:4700::1112', '2606:4700:4700::1002'],
    ...['2606:4700:4700::1113', '2606:4700:4700::1003'],
  ],
  Quad9: [
    ...['9.9.9.9', '9.9.9.10', '9.9.9.11', '149.112.112.112', '149.112.112.10', '149.112.112.11'],
    ...['2620:fe::fe', '2620:fe::9', '2620:fe::10', '2620:fe::fe:10', '2620:fe::11', '2620:fe::fe:11'],
  ],
  OpenDNS: [
    ...['208.67.222.222', '208.67.220.220', '208.67.222.123', '208.67.220.123'],
    ...['2620:119:35::35', '2620:119:53::53'],
  ],
  'Level 3': ['4.2.2.1', '4.2.2.2', '4.2.2.3', '4.2.2.4', '4.2.2.5', '4.2.2.6'],
  'UltraDNS Public': ['64.6.64.6', '64.6.65.6', '156.154.70.1', '156.154.71.1'],
  'AdGuard DNS': [
    ...['94.140.14.14', '94.140.15.15', '94.140.14.140', '94.140.14.141'],
    ...['2a10:50c0::ad1:ff', '2a10:50c0::ad2:ff'],
  ],
  CleanBrowsing: ['185.228.168.9', '185.228.169.9', '185.228.168.168', '185.228.169.168'],
  'Control D': ['76.76.2.0', '76.76.10.0', '76.76.2.1', '76.76.10.1'],
  'DNS.WATCH': ['84.200.69.80', '84.200.70.40'],
  'Yandex DNS': ['77.88.8.8', '77.88.8.1', '77.88.8.88', '77.88.8.2'],
  'Comodo Secure DNS': ['8.26.56.26', '8.20.247.20'],
  'Hurricane Electric': ['74.82.42.42', '2001:470:20::2'],
  DNS4EU: ['86.54.11.1', '86.54.11.100', '86.54.11.200'],
  AliDNS: ['223.5.5.5', '223.6.6.6', '2400:3200::1', '2400:3200:baba::1'],
  '114DNS': ['114.114.114.114', '114.114.115.115'],
  DNSPod: ['119.29.29.29', '182.254.116.116'],
};

const OPERATOR_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(OPERATORS).flatMap(([operator, addresses]) =>
    addresses.map((address): [string, string] => [address, operator]),
  ),
);

/** The operator of a known public resolver, or undefined. */
export function publicOperator(server: ServerAddress): string | undefined {
  if (server.family === 4) return OPERATOR_OF.get(server.address);
  const [withoutZone] = server.address.split('%');
  return OPERATOR_OF.get(new SocketAddress({ address: withoutZone, family: 'ipv6' }).address);
}

/** What to tell whoever uses this server, or undefined if there is nothing to tell. */
export function publicResolverWarning(server: ServerAddress): string | undefined {
  const operator = publicOperator(server);
  return (
    operator &&
    `DNS server ${server.address} is a public resolver (${operator}): blocklists refuse its queries or give wrong answers ` +
      'through it; use a resolver of your own, such as unbound on 127.0.0.1'
  );
}
