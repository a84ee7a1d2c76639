/**
 * Keeps the memory small in which V8 makes new objects. By default that grows to 32 or more megabytes under load and is never
 * given back, though at any moment hardly anything in it is in use: a session lives for a few milliseconds.
 *
 * Node's `--max-semi-space-size` would do, but a command found by its name can't bring flags for Node along. So V8 is told, by a
 * flag that it reads each time, not to let this memory grow beyond what it has reached. An engine without that flag only takes
 * more memory.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves together. With less, what a few hundred open connections hold would be moved to the old objects too soon. */
const WANTED_BYTES = 8 * 1024 * 1024;
const ROUNDS = 100;
const OBJECTS = 10_000;

/** For the start of the process: it takes some milliseconds. Holds for all threads. */
export function limitYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
  // It grows when much of it survives a collection.
  let survivors: unknown[] = [];
  for (let round = 0; round < ROUNDS && youngBytes() < WANTED_BYTES; round++) {
    if (round % 8 === 0) survivors = [];
    for (let count = 0; count < OBJECTS; count++) survivors.push({ count, self: [count] });
  }
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** What is set aside for new objects, in bytes. */
function youngBytes(): number {
  return getHeapSpaceStatistics().find(space => space.space_name === 'new_space')?.space_size ?? WANTED_BYTES;
}
