/**
 * The health of the zones: tests each at start and every five minutes, sooner while it is out or in doubt, and says in one log
 * line what changed and why. A zone that is out is not asked and abstains; it returns by itself.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Logger } from '../log/logger.ts';
import { Channel, type Condition } from './channel.ts';
import { runSelfTest } from './self-test.ts';
import { discredits } from './vote.ts';
import type { Zone } from './zone.ts';

export interface HealthDeps {
  readonly resolver: Resolver;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Timers;
  /** A number in [0, 1), as `Math.random`. */
  readonly random: () => number;
  readonly log: Logger;
}

/** Milliseconds from one self-test to the next that a doubt may call for. */
const doubtRest = 10_000;

/** A zone's channels for IPv4 and IPv6. */
export interface Channels {
  readonly 4: Channel;
  readonly 6: Channel;
}

export class Health {
  readonly #deps: HealthDeps;
  readonly #channels = new Map<Zone, Channels>();
  /** How to take back each channel's next test. */
  readonly #pending = new Map<Channel, () => void>();
  readonly #testing = new Set<Channel>();
  /** When each channel's last test began. */
  readonly #tested = new Map<Channel, number>();
  readonly #stop = new AbortController();

  constructor(zones: readonly Zone[], deps: HealthDeps) {
    this.#deps = deps;
    const changed = (channel: Channel, before: Condition): void => this.#changed(channel, before);
    const doubted = (channel: Channel): void => this.#doubted(channel);
    for (const zone of zones)
      this.#channels.set(zone, {
        4: new Channel(zone, 4, changed, doubted),
        6: new Channel(zone, 6, changed, doubted),
      });
  }

  /** Begins testing; resolves when each zone's first test has ended. Until then a zone abstains. */
  async start(): Promise<void> {
    await Promise.all(
      [...this.#channels.values()].map(async channels => {
        await this.#begin(channels[4]);
        await this.#begin(channels[6]); // after IPv4, which tells whether a missing IPv6 entry is excused
      }),
    );
  }

  stop(): void {
    this.#stop.abort();
    for (const cancel of this.#pending.values()) cancel();
    this.#pending.clear();
  }

  channels(zone: Zone): Channels {
    const channels = this.#channels.get(zone);
    if (!channels) throw new Error(`zone "${zone.name}" is not watched`);
    return channels;
  }

  async #begin(channel: Channel): Promise<void> {
    if (channel.eligible) await this.#test(channel);
  }

  async #test(channel: Channel): Promise<void> {
    const { resolver, clock, log } = this.#deps;
    this.#testing.add(channel);
    this.#tested.set(channel, clock.monotonic());
    try {
      const result = await runSelfTest(channel.zone, channel.family, resolver, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      channel.tested(result, this.channels(channel.zone)[4]);
    } catch (error) {
      log.error('the self-test of a DNSBL failed in itself', {
        zone: channel.zone.name,
        error: channel.zone.mask(String(error)),
      });
    } finally {
      this.#testing.delete(channel);
    }
    this.#schedule(channel);
  }

  #schedule(channel: Channel): void {
    if (this.#stop.signal.aborted) return;
    this.#pending.get(channel)?.();
    const cancel = this.#deps.timers.after(channel.nextTest(this.#deps.random()), () => {
      this.#pending.delete(channel);
      void this.#test(channel);
    });
    this.#pending.set(channel, cancel);
  }

  #doubted(channel: Channel): void {
    const last = this.#tested.get(channel);
    if (last === undefined || this.#testing.has(channel) || this.#stop.signal.aborted) return;
    if (this.#deps.clock.monotonic() - last < doubtRest) return;
    this.#pending.get(channel)?.();
    this.#pending.delete(channel);
    void this.#test(channel);
  }

  #changed(channel: Channel, before: Condition): void {
    const { log, clock } = this.#deps;
    const { condition, zone } = channel;
    // After a first test, too: the cache may be older than we are and hold what an ill zone said.
    if (channel.inUse && (before.state === 'untested' || (before.state === 'out' && discredits(before.cause))))
      channel.trustedSince = clock.monotonic();
    const family = channel.family === 4 ? 'IPv4' : 'IPv6';
    const fields = { zone: zone.name, family: family.toLowerCase() };
    if (condition.state === 'out') {
      const { cause, detail } = condition;
      log.warn(`DNSBL ${zone.name} is out for ${family} clients: ${cause}`, {
        ...fields,
        cause,
        detail: detail || undefined,
      });
      if (!this.#testing.has(channel)) this.#schedule(channel); // dropped by live traffic: the next test is due soon
    } else if (before.state === 'out') {
      log.warn(`DNSBL ${zone.name} is back for ${family} clients after: ${before.cause}`, {
        ...fields,
        cause: before.cause,
      });
    } else {
      const but = condition.state === 'unproven' ? `, though it has no ${family} test entry` : '';
      log.info(`DNSBL ${zone.name} is in use for ${family} clients${but}`, fields);
    }
  }
}
