/**
 * The version of this package, as `--version` and the headers show it.
 */
import { readFileSync } from 'node:fs';

// One directory up from src/ as from dist/.
const description = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

export const VERSION: string = description.version;
