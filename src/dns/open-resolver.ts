/**
 * The resolver as the daemon and the command line use it: made from what the configuration says of servers and debug log.
 */
import { createWriteStream } from 'node:fs';
import type { Clock, Timers } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import { systemRandom } from './random.ts';
import type { Resolver } from './resolver.ts';
import { parseServer, type ServerAddress, systemServers } from './servers.ts';
import { createStubResolver } from './stub-resolver.ts';

export interface ResolverSettings {
  readonly servers: readonly ServerAddress[];
  /** Where questions and answers are logged; undefined: nowhere. */
  readonly debugFile: string | undefined;
  /** Takes secrets out of debug lines. */
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** Milliseconds that the debug log gets to be written out. */
const FLUSH_LIMIT = 1_000;

/** The servers that are configured, or those of the system, read afresh. Throws for one that makes no sense. */
export function resolverServers(configured: readonly string[]): readonly ServerAddress[] {
  return configured.length > 0 ? configured.map(parseServer) : systemServers();
}

/** Opens a resolver; closing it closes its debug log. */
export function openResolver({ debugFile, ...settings }: ResolverSettings): Resolver {
  if (debugFile === undefined) return createStubResolver({ ...settings, random: systemRandom });
  const debug = createWriteStream(debugFile, { flags: 'a', mode: 0o640 });
  debug.on('error', error => settings.logger.error(`DNS debug log: ${error.message}`, { file: debugFile }));
  const resolver = createStubResolver({ ...settings, random: systemRandom, debug });
  return {
    resolve: (...args) => resolver.resolve(...args),
    cached: (...args) => resolver.cached(...args),
    async close() {
      await resolver.close();
      // Whoever ends the process next would cut the log; but nobody waits for a pipe that takes nothing.
      await new Promise<void>(resolve => {
        const cancel = settings.timers.after(FLUSH_LIMIT, resolve);
        debug.end(() => {
          cancel();
          resolve();
        });
      });
    },
  };
}
