/**
 * A real resolver, unbound, on a free port of 127.0.0.1. It knows the zones it is told of and nothing else: nothing is asked
 * beyond this machine, every other name does not exist. It caches nothing, so that changes are seen at once.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, freePort, spawnChild } from '../../support/process.ts';
import { type Owner, tempDir } from '../../support/temp-dir.ts';
import { type Missing, missing } from './requirement.ts';

/** Why there can be no unbound here, or false. */
export const unboundMissing: Missing = await missing(['unbound']);

export interface UnboundOptions {
  /** Which port of 127.0.0.1 to ask about a zone. */
  readonly zones?: Readonly<Record<string, number>>;
  /** Records it knows by itself: `mail.example.net. 60 A 203.0.113.7`. */
  readonly records?: readonly string[];
  /** Further lines of its `server:` section. */
  readonly server?: readonly string[];
}

export interface Unbound {
  readonly port: number;
  readonly child: Child;
}

/** Starts a resolver for an owner. */
export async function startUnbound(owner: Owner, options: UnboundOptions = {}): Promise<Unbound> {
  const directory = tempDir(owner);
  const port = await freePort();
  const config = join(directory, 'unbound.conf');
  writeFileSync(config, configuration(directory, port, options));
  const child = spawnChild(owner, 'unbound', ['-d', '-c', config]);
  await child.line(/start of service/);
  return { port, child };
}

function configuration(
  directory: string,
  port: number,
  { zones = {}, records = [], server = [] }: UnboundOptions,
): string {
  const section = [
    `directory: "${directory}"`,
    'pidfile: ""',
    'chroot: ""',
    'username: ""',
    'use-syslog: no',
    'logfile: ""',
    'verbosity: 1',
    'interface: 127.0.0.1',
    `port: ${port}`,
    'access-control: 127.0.0.0/8 allow',
    'outgoing-port-avoid: 0-32767', // where tests have their ports
    'num-threads: 1',
    'do-ip6: no',
    'do-not-query-localhost: no',
    'module-config: "iterator"', // no DNSSEC
    'cache-max-ttl: 0',
    'local-zone: "." static',
    ...Object.keys(zones).map(zone => `local-zone: "${zone}." transparent`), // test. is built in as empty, too
    ...records.map(record => `local-data: '${record}'`),
    ...server,
  ];
  const stubs = Object.entries(zones).map(
    ([zone, at]) => `stub-zone:\n  name: "${zone}"\n  stub-addr: 127.0.0.1@${at}\n  stub-no-cache: yes\n`,
  );
  return `server:\n${section.map(line => `  ${line}\n`).join('')}${stubs.join('')}remote-control:\n  control-enable: no\n`;
}
