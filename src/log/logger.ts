/**
 * The logger port: what every other part may say to the administrator. Decisions on recipients have their own line
 * (`decision-log.ts`); this is for everything else.
 */

/** Values are escaped by the adapter, so a sender can't forge a line. `undefined` leaves the field out. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  /** Something is broken and someone should act. */
  error(message: string, fields?: Fields): void;
  /** Something is wrong but handled. */
  warn(message: string, fields?: Fields): void;
  /** Normal events worth a line: start, reload, stop. */
  info(message: string, fields?: Fields): void;
  /** Detail for finding faults. */
  debug(message: string, fields?: Fields): void;
}
