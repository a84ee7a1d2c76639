/**
 * A process to be killed: `node write-triplets.ts PATH FIRST [thread]` stores triplets from number FIRST on, as fast as it
 * can, and prints the number of each that was acknowledged, one a line.
 */
import { systemClock, systemTimers } from '../../src/clock.ts';
import { openSqliteStore } from '../../src/stores/sqlite-store.ts';
import { MemoryLogger, pending, tripletAt } from './sqlite-support.ts';

const [path, first, thread] = process.argv.slice(2) as [string, string, string | undefined];
const question = {
  now: pending.firstSeen,
  timing: { delay: 300_000, retryWindow: 172_800_000, lifetime: 3_110_400_000, tooSoon: 0 },
  held: undefined,
  full: false,
};
const store = await openSqliteStore({
  path,
  synchronous: 'NORMAL',
  clock: systemClock,
  timers: systemTimers,
  logger: new MemoryLogger(),
  thread: thread !== undefined,
});

async function write(from: number): Promise<never> {
  for (let index = from; ; index += 16) {
    await store.judge?.(tripletAt(index), question);
    await new Promise(written => process.stdout.write(`${index}\n`, written));
  }
}

await Promise.all(Array.from({ length: 16 }, (_, lane) => write(Number(first) + lane)));
