/**
 * `whitelist` and `blacklist`: short forms for what would be the first rules.
 */
import * as z from 'zod';
import { listOf, path, type Schema } from './values.ts';

export interface ListConfig {
  /** Files of addresses, networks and wildcards, one a line. */
  readonly files: readonly string[];
}

export const listSchema: Schema<ListConfig> = z.strictObject({
  files: listOf(path())
    .prefault([])
    .describe('Files of client addresses, networks (192.0.2.0/24) or wildcards (192.0.2.*), one a line.'),
});
