/**
 * Where the database is: where it was said to be, else in `$STATE_DIRECTORY` (set by systemd's `StateDirectory=`), else below
 * `/var/lib`, else in the user's state directory (XDG base directory specification).
 */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home directory; throws if there is none. */
  readonly home: () => string;
  /** Whether files can be made in this folder; makes the folder if it is not there and can be. */
  readonly ensureFolder: (path: string) => boolean;
}

const NAME = 'milter-greylist';
const FILE = 'greylist.db';

/**
 * The path of the database. For a default its folder has been made, unless no place would do; then opening the database
 * tells why.
 */
export function databasePath(given: string | undefined, surroundings: Surroundings = system): string {
  return given ?? join(defaultFolder(surroundings), FILE);
}

function defaultFolder({ env, home, ensureFolder }: Surroundings): string {
  // A colon-separated list, if the unit names several.
  const [state] = (env.STATE_DIRECTORY ?? '').split(':');
  if (state) return state;
  const shared = join('/var/lib', NAME);
  if (ensureFolder(shared)) return shared;
  // The specification: a path that is not absolute is invalid, and to be ignored.
  const base = env.XDG_STATE_HOME && isAbsolute(env.XDG_STATE_HOME) ? env.XDG_STATE_HOME : join(home(), '.local/state');
  const own = join(base, NAME);
  ensureFolder(own);
  return own;
}

const system: Surroundings = {
  env: process.env,
  home: homedir,
  ensureFolder(path) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      accessSync(path, constants.W_OK | constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
};
