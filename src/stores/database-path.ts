/**
 * Where the database is: where it was said to be, else in `$STATE_DIRECTORY` (set by systemd's `StateDirectory=`), else below
 * `/var/lib`, else in the user's state directory (XDG base directory specification).
 */
import { accessSync, chownSync, constants, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { StoreError } from '../greylist/store.ts';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home directory; throws if there is none. */
  readonly home: () => string;
  /** Whether files can be made in this folder; makes the folder, for its owner, if it is not there and can be. */
  readonly ensureFolder: (path: string, owner: Owner | undefined) => boolean;
}

/** Whom a folder is to belong to, by number. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const NAME = 'milter-greylist';
const FILE = 'greylist.db';

/**
 * The absolute path of the database. For a default its folder has been made, unless no place would do; then opening the database
 * tells why. The owner is who will open it, if that is not us.
 */
export function databasePath(
  given: string | undefined,
  owner?: Owner,
  surroundings: Surroundings = systemSurroundings,
): string {
  return given === undefined ? join(defaultFolder(owner, surroundings), FILE) : resolve(given);
}

function defaultFolder(owner: Owner | undefined, { env, home, ensureFolder }: Surroundings): string {
  // A colon-separated list, if the unit names several.
  const [state] = (env.STATE_DIRECTORY ?? '').split(':');
  if (state) return state;
  const shared = join('/var/lib', NAME);
  if (ensureFolder(shared, owner)) return shared;
  // The specification: a path that is not absolute is invalid, and to be ignored.
  const base =
    env.XDG_STATE_HOME && isAbsolute(env.XDG_STATE_HOME) ? env.XDG_STATE_HOME : join(homeBy(home), '.local/state');
  const own = join(base, NAME);
  ensureFolder(own, owner);
  return own;
}

/** Who runs under a number that no user has, as in a container, has none. */
function homeBy(home: Surroundings['home']): string {
  try {
    return home();
  } catch (error) {
    const why = '/var/lib/milter-greylist can not be written to, and whoever runs this has no home';
    throw new StoreError(`no place for the database: ${why}; name a file (--cachedb) or set STATE_DIRECTORY`, {
      cause: error,
    });
  }
}

/** The same path for somebody who only wants to look: the first place that may have a database; nothing is made. */
export function existingDatabasePath(
  given: string | undefined,
  surroundings: Surroundings = systemSurroundings,
): string {
  return databasePath(given, undefined, { ...surroundings, ensureFolder: path => mayBeThere(join(path, FILE)) });
}

/** Whether there is such a file, or it lies where we are not allowed to look. */
export function mayBeThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** Those of this process. */
export const systemSurroundings: Surroundings = {
  env: process.env,
  home: homedir,
  ensureFolder(path, owner) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      const made = mkdirSync(path, { recursive: true, mode: 0o700 }) !== undefined;
      if (made && owner !== undefined) chownSync(path, owner.uid, owner.gid);
      accessSync(path, constants.W_OK | constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
};
