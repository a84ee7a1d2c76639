/**
 * The blocklists as a whole, made from a configuration: zones, their health, and the panel that decides on clients.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Logger } from '../log/logger.ts';
import { checkPolicy, isReachable, type Policy } from './ballot.ts';
import { Health } from './health.ts';
import { type Fanout, Panel } from './panel.ts';
import type { Zone, ZoneOptions } from './zone.ts';
import { deadZoneMessage, type ZoneList, zoneList } from './zone-list.ts';

export interface BlocklistOptions {
  /** In the order in which a listing zone's reply is chosen. */
  readonly zones: readonly (string | ZoneOptions | Zone)[];
  readonly policy: Policy;
  readonly fanout?: Fanout;
}

export interface BlocklistDeps {
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly timers: Timers;
  /** A number in [0, 1), as `Math.random`. */
  readonly random: () => number;
  readonly log: Logger;
}

export interface Blocklists {
  /** Those that are asked, in configured order. */
  readonly zones: readonly Zone[];
  readonly panel: Panel;
  readonly health: Health;
  /** Begins the self-tests; resolves when each zone's first one has ended. Until then a zone abstains. */
  start(): Promise<void>;
  stop(): void;
}

/** The zones, if they and the policy make sense. Throws `ZoneError`. Touches nothing: for checking a configuration. */
export function checkBlocklists({ zones, policy }: BlocklistOptions): ZoneList {
  const list = zoneList(zones);
  // With the dead ones: a list that died overnight is no reason to refuse to start.
  checkPolicy(policy, [...list.zones, ...list.dead.map(({ zone }) => zone)]);
  return list;
}

/** Builds everything and says which zones are left out. Throws `ZoneError`. */
export function createBlocklists(options: BlocklistOptions, deps: BlocklistDeps): Blocklists {
  const { zones, dead } = checkBlocklists(options);
  const { log } = deps;
  for (const { zone, why } of dead) log.error(deadZoneMessage(zone, why), { zone: zone.name });
  if (zones.length > 0 && !isReachable(options.policy, zones))
    log.error('the DNSBL policy asks for more than the zones that are left can say: nobody will be listed');
  const health = new Health(zones, deps);
  const panel = new Panel(zones, options, { ...deps, health });
  return { zones, panel, health, start: () => health.start(), stop: () => health.stop() };
}
