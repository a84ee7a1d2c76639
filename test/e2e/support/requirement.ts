/**
 * What a test against a real server needs of the machine. A test whose needs are not met is skipped with the reason, which
 * names what is missing.
 */
import { findProgram } from '../../support/process.ts';

/** For the `skip` option of a test: why it can't run here, or false. */
export type Missing = string | false;

/** Looks for programs (by name on PATH, or by absolute path) and, if told, for the rights of root. */
export async function missing(programs: readonly string[], { root = false } = {}): Promise<Missing> {
  const absent: string[] = [];
  for (const program of programs) {
    if ((await findProgram(program)) === undefined) absent.push(program);
  }
  if (absent.length > 0) return `${absent.join(' and ')} ${absent.length > 1 ? 'are' : 'is'} not installed`;
  return root && process.getuid?.() !== 0 ? 'needs to be run as root' : false;
}
