/**
 * Everything a daemon can run out of, or lose.
 */
import type { Case } from './case.ts';
import { clockCases } from './resources/clock.ts';
import { connectionCases } from './resources/connections.ts';
import { databaseCases } from './resources/database.ts';
import { diskCases } from './resources/disk.ts';
import { logCases } from './resources/log.ts';
import { signalCases } from './resources/signals.ts';

export const resourceCases: readonly Case[] = [
  ...diskCases,
  ...databaseCases,
  ...connectionCases,
  ...clockCases,
  ...signalCases,
  ...logCases,
];
