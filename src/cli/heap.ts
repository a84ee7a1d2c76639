/**
 * Keeps V8's heap small (`docs/decisions/0070-memory-under-churn.md`). By default the memory for new objects grows to 32 or more
 * megabytes under load and is never given back, though at any moment hardly anything in it is in use: a session lives for a few
 * milliseconds. And what has grown old and is no longer used may come to several times of what is, before it is collected.
 *
 * Flags of Node's own would do, but a command found by its name can't bring flags along. So V8 is told by flags that it reads
 * each time: not to let the one grow beyond what it has reached, and to begin collecting the other early. An engine without these
 * flags only takes more memory.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves together. With less, what a few hundred open connections hold would be moved to the old objects too soon. */
const WANTED_BYTES = 8 * 1024 * 1024;
/** Per cent of the way to V8's own limit after which it begins to mark old objects, beside the program's work. */
const MARK_EARLY = 15;
const ROUNDS = 100;
const OBJECTS = 10_000;

/** For the start of the process: it takes some milliseconds. Holds for all threads. */
export function limitHeap(): void {
  setFlagsFromString(`--incremental-marking-hard-trigger=${MARK_EARLY}`);
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
