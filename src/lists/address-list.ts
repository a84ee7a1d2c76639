/**
 * A list of clients by address, such as the whitelist: the networks of one or several files in one table. Immutable; a
 * reload makes a new one.
 */
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Address } from '../net/address.ts';
import { type PrefixLookup, PrefixTable } from '../net/prefix-table.ts';
import { ListError, type ListProblem } from './list-error.ts';
import { parseAddressList } from './parse-address-list.ts';

export class AddressList implements PrefixLookup<string> {
  readonly #table: PrefixTable<string>;

  constructor(table: PrefixTable<string>) {
    this.#table = table;
  }

  /** How many different networks it holds. */
  get size(): number {
    return this.#table.size;
  }

  /** `file:line` of the longest network that holds the address; undefined if none does. */
  find(address: Address): string | undefined {
    return this.#table.find(address);
  }
}

/** Reads one list from its files, none of which may be missing. @throws ListError */
export async function loadAddressList(files: readonly string[]): Promise<AddressList> {
  const { list } = await loadAddressLists({ list: files });
  return list;
}

/** Reads several lists, all or none: the error tells of every problem in any of them. @throws ListError */
export async function loadAddressLists<Name extends string>(
  files: Readonly<Record<Name, readonly string[]>>,
): Promise<Readonly<Record<Name, AddressList>>> {
  const problems: ListProblem[] = [];
  let cause: NodeJS.ErrnoException | undefined;
  const lists: Partial<Record<Name, AddressList>> = {};
  for (const name of Object.keys(files) as Name[]) {
    const table = new PrefixTable<string>();
    for (const file of files[name]) {
      try {
        await readInto(table, file, problems);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        cause ??= error;
        problems.push({ file, line: undefined, text: describeSystemError(error) });
      }
    }
    lists[name] = new AddressList(table);
  }
  if (problems.length > 0) throw new ListError(problems, cause);
  return lists as Record<Name, AddressList>;
}

/** A reload reads while mail is served: so many lines take a few milliseconds, then others have their turn. */
const linesAtOnce = 500;

async function readInto(table: PrefixTable<string>, file: string, problems: ListProblem[]): Promise<void> {
  let count = 0;
  for (const read of parseAddressList(await readFile(file, 'utf8'))) {
    if ('network' in read) table.add(read.network, `${file}:${read.line}`);
    else problems.push({ file, line: read.line, column: read.column, text: read.problem });
    if (++count % linesAtOnce === 0) await setImmediate();
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}

function describeSystemError({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'no such file; expected a list of addresses';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied; the list must be readable by this user';
  if (code === 'EISDIR') return 'is a directory; expected a list of addresses';
  return message;
}
