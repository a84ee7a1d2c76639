/**
 * Exit codes, those of sysexits.h that we use.
 */
export const EXIT = {
  ok: 0,
  /** The command line is wrong. */
  usage: 64,
  /** A file that was named is missing. */
  noInput: 66,
  /** A service that is needed is not there. */
  unavailable: 69,
  /** A fault of ours. */
  software: 70,
  /** The socket or the database can't be created. */
  cantCreate: 73,
  /** The other side does not speak the milter protocol. */
  protocol: 76,
  /** Permission is missing. */
  noPermission: 77,
  /** The configuration is wrong. */
  config: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
