/**
 * How a database is opened. Apart from what opens it, since library users see these options: their types must not need those
 * of the SQLite library, which are not part of the package.
 */
import type { TripletId } from './triplet-id.ts';

export interface DatabaseOptions {
  /** `FULL` also survives a power cut, and pays for it with a disk flush at every commit. */
  readonly synchronous: 'NORMAL' | 'FULL';
  /** The largest size of the database in pages of 4 KB; beyond it writes fail as on a full disk. */
  readonly maxPages?: number | undefined;
  /** Whether it is only to be looked at: nothing is made or converted, and every change throws. */
  readonly readOnly?: boolean;
  /** Only tests give another. */
  readonly tripletId?: TripletId | undefined;
}
