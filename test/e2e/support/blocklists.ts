/**
 * Real blocklists for a daemon: rbldnsd, one a zone so that each can be killed alone, behind unbound.
 */
import type { DaemonProcess } from '../../support/daemon.ts';
import type { Owner } from '../../support/temp-dir.ts';
import { rbldnsdMissing, startRbldnsd, type ZoneData } from './rbldnsd.ts';
import type { Missing } from './requirement.ts';
import { startUnbound, unboundMissing } from './unbound.ts';

/** Why there can be no blocklists here, or false. */
export const blocklistsMissing: Missing = [rbldnsdMissing, unboundMissing].filter(Boolean).join(', ') || false;

export interface RealBlocklists {
  /** The daemon's flags that make it ask all of them. */
  readonly flags: readonly string[];
  /** Waits until a daemon has found all of them in order; until then they abstain. */
  ready(daemon: DaemonProcess): Promise<void>;
  /** SIGKILL for one zone's server. */
  kill(zone: string): Promise<void>;
}

/** Starts all for an owner. Zones are asked in the order given. */
export async function startBlocklists(
  owner: Owner,
  zones: Readonly<Record<string, ZoneData>>,
): Promise<RealBlocklists> {
  const servers = new Map(
    await Promise.all(
      Object.entries(zones).map(async ([zone, data]) => [zone, await startRbldnsd(owner, { [zone]: data })] as const),
    ),
  );
  const ports = Object.fromEntries([...servers].map(([zone, { port }]) => [zone, port]));
  const { port } = await startUnbound(owner, { zones: ports });
  const names = Object.keys(zones);
  return {
    flags: ['-v', '--resolver', `127.0.0.1:${port}`, ...names.flatMap(zone => ['-a', zone])],
    async ready(daemon) {
      for (const zone of names)
        for (const family of ['IPv4', 'IPv6'])
          await daemon.child.line(new RegExp(`DNSBL ${zone.replaceAll('.', '\\.')} is in use for ${family} clients`));
    },
    async kill(zone) {
      await servers.get(zone)?.child.stop('SIGKILL');
    },
  };
}
