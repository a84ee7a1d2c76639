/**
 * A real blocklist server, rbldnsd, on a free port of 127.0.0.1.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, freePort, spawnChild } from '../../support/process.ts';
import { type Owner, tempDir } from '../../support/temp-dir.ts';
import { type Missing, missing } from './requirement.ts';

/** Why there can be no rbldnsd here, or false. */
export const rbldnsdMissing: Missing = await missing(['rbldnsd']);

/** The lines of a zone's data sets, in rbldnsd's syntax: addresses, networks, `!` exceptions, `:127.0.0.2:text` defaults. */
export interface ZoneData {
  readonly ip4?: readonly string[];
  readonly ip6?: readonly string[];
}

export interface Rbldnsd {
  readonly port: number;
  readonly child: Child;
  /** Replaces a zone's data and has the server read it. */
  setZone(zone: string, data: ZoneData): Promise<void>;
}

/** What every list has (RFC 5782 §5), to begin a zone with: the answer, and the entry that is always listed. */
export const testEntry: Required<ZoneData> = {
  ip4: [':127.0.0.2:Listed, see https://bl.test/?$', '127.0.0.2'],
  ip6: [':127.0.0.2:Listed, see https://bl.test/?$', '::ffff:7f00:2'],
};

/** Starts one server of these zones for an owner. Stop its child to have a dead list. */
export async function startRbldnsd(owner: Owner, zones: Readonly<Record<string, ZoneData>>): Promise<Rbldnsd> {
  const directory = tempDir(owner);
  const port = await freePort();
  const write = (zone: string, { ip4 = [], ip6 = [] }: ZoneData) => {
    const head = ['$SOA 60 ns.test hostmaster.test 0 600 300 86400 60', '$TTL 60'];
    writeFileSync(join(directory, `${zone}.ip4`), [...head, ...ip4, ''].join('\n'));
    writeFileSync(join(directory, `${zone}.ip6`), ['$TTL 60', ...ip6, ''].join('\n'));
  };
  for (const [zone, data] of Object.entries(zones)) write(zone, data);
  const sets = Object.keys(zones).flatMap(zone => [`${zone}:ip4set:${zone}.ip4`, `${zone}:ip6trie:${zone}.ip6`]);
  const user = process.getuid?.() === 0 ? ['-u', 'rbldns'] : []; // which the package makes
  const child = spawnChild(owner, 'rbldnsd', ['-n', ...user, '-w', directory, '-b', `127.0.0.1/${port}`, ...sets]);
  await child.line(/ started \(/);
  return {
    port,
    child,
    async setZone(zone, data) {
      const from = child.mark();
      write(zone, data);
      child.kill('SIGHUP');
      await child.line(/zones reloaded/, { from });
    },
  };
}
