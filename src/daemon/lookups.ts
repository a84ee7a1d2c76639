/**
 * Lookups: the resolver and what asks it. They outlive a reload that does not concern them, so that the resolver's cache, the
 * votes and the zones' health are kept; what is replaced closes later, when the messages that began under it are over.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Config, DnsblConfig, DnsConfig } from '../config/config.ts';
import { openResolver } from '../dns/open-resolver.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { ServerAddress } from '../dns/servers.ts';
import { type Blocklists, createBlocklists } from '../dnsbl/blocklists.ts';
import type { Fanout } from '../dnsbl/panel.ts';
import { maskKeys } from '../dnsbl/secret-key.ts';
import { keyMask, zoneList } from '../dnsbl/zone-list.ts';
import type { Logger } from '../log/logger.ts';
import type { Materials } from './materials.ts';

export interface LookupDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Milliseconds that replaced parts stay open. */
  readonly linger: number;
}

interface Resolving {
  readonly origin: readonly [DnsConfig, readonly ServerAddress[]];
  readonly resolver: Resolver;
}

interface Blocking {
  readonly origin: readonly [DnsblConfig, Resolver, Fanout];
  readonly blocklists: Blocklists;
  readonly tested: Promise<void>;
}

export class Lookups {
  readonly #deps: LookupDeps;
  #resolving: Resolving | undefined;
  #blocking: Blocking | undefined;
  /** What was replaced and is still open: closes it at once. */
  readonly #replaced = new Set<() => Promise<void>>();

  constructor(deps: LookupDeps) {
    this.#deps = deps;
  }

  /** Puts a configuration in force. */
  use({ config, servers, rules }: Materials): {
    readonly resolver: Resolver;
    readonly blocklists: Blocklists | undefined;
    /** Resolves when all blocklists have had their first self-test. */
    readonly tested: Promise<void>;
  } {
    const resolver = this.#resolve(config, servers);
    const blocklists = this.#block(config.dnsbl, resolver, rules.needs.everyZone ? 'complete' : 'minimal');
    return { resolver, blocklists, tested: this.#blocking?.tested ?? Promise.resolve() };
  }

  async close(): Promise<void> {
    this.#blocking?.blocklists.stop();
    await Promise.all([...this.#replaced].map(close => close()));
    await this.#resolving?.resolver.close();
  }

  #resolve({ dns: config, dnsbl }: Config, servers: readonly ServerAddress[]): Resolver {
    const { clock, timers, logger } = this.#deps;
    const origin = [config, servers] as const;
    const before = this.#resolving;
    // A debug log is opened anew by every reload, so that it can be rotated.
    if (before !== undefined && config.debugFile === undefined && same(before.origin, origin)) return before.resolver;
    if (before !== undefined) this.#closeLater(() => before.resolver.close());
    const mask = keyMask(zoneList(dnsbl.zones).zones);
    const redact = (text: string): string => maskKeys(mask(text));
    const resolver = openResolver({ servers, debugFile: config.debugFile, redact, clock, timers, logger });
    this.#resolving = { origin, resolver };
    return resolver;
  }

  #block(config: DnsblConfig, resolver: Resolver, fanout: Fanout): Blocklists | undefined {
    const { clock, timers, logger: log } = this.#deps;
    const before = this.#blocking;
    const isSame = before?.origin[1] === resolver && before.origin[2] === fanout && same(before.origin[0], config);
    if (isSame) return before.blocklists;
    this.#blocking = undefined;
    if (before !== undefined) this.#closeLater(async () => before.blocklists.stop());
    if (config.zones.length === 0) return undefined;
    const blocklists = createBlocklists({ ...config, fanout }, { resolver, clock, timers, random: Math.random, log });
    this.#blocking = { origin: [config, resolver, fanout], blocklists, tested: blocklists.start() };
    return blocklists;
  }

  #closeLater(close: () => Promise<void>): void {
    const { timers, linger } = this.#deps;
    const now = (): Promise<void> => {
      cancel();
      this.#replaced.delete(now);
      return close();
    };
    const cancel = timers.after(linger, () => void now());
    this.#replaced.add(now);
  }
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
