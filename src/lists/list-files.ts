/**
 * The files that rules and lists name, each read once for each kind of thing that is looked for in it, all or none.
 */
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { type Network, NetworkError, parseNetwork } from '../net/network.ts';
import { PrefixTable } from '../net/prefix-table.ts';
import { quoteEntry, readEntries } from './entries.ts';
import { ListError, type ListProblem } from './list-error.ts';
import { type Pattern, parseHeloPattern, parseMailPattern, parseNamePattern, parseWordPattern } from './pattern.ts';
import { PatternError } from './pattern-error.ts';
import { PatternTable } from './pattern-table.ts';
import { parseTripleLine, type Triple } from './triple.ts';

/** What a file may hold a list of, one entry a line. */
interface Kinds {
  readonly client: Network;
  readonly name: Pattern;
  readonly helo: Pattern;
  readonly mail: Pattern;
  readonly word: Pattern;
  readonly triple: Triple;
}
export type ListKind = keyof Kinds;
export type PatternKind = Exclude<ListKind, 'client' | 'triple'>;

export interface ListRequest {
  readonly kind: ListKind;
  readonly file: string;
}

/** An entry of a list, and where it stands: `file:line`. */
export interface Item<T> {
  readonly value: T;
  readonly at: string;
}

const readers: { readonly [K in ListKind]: (text: string) => Kinds[K] } = {
  client: parseNetwork,
  name: parseNamePattern,
  helo: parseHeloPattern,
  mail: parseMailPattern,
  word: parseWordPattern,
  triple: parseTripleLine,
};

export class ListFiles {
  /** By kind and file. */
  readonly #items = new Map<string, readonly Item<Kinds[ListKind]>[]>();
  readonly #tables = new Map<string, PrefixTable<string> | PatternTable<string>>();

  /** Reads files, none of which may be missing. @throws ListError that tells of every problem in any of them */
  static async load(requests: readonly ListRequest[]): Promise<ListFiles> {
    const lists = new ListFiles();
    const problems: ListProblem[] = [];
    let cause: NodeJS.ErrnoException | undefined;
    for (const { kind, file } of requests) {
      if (lists.#items.has(keyOf(kind, file))) continue;
      try {
        await lists.#read(kind, file, problems);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        cause ??= error;
        problems.push({ file, line: undefined, text: describeSystemError(error) });
      }
    }
    if (problems.length > 0) throw new ListError(problems, cause);
    return lists;
  }

  /** What a file holds, in its order. */
  items<K extends ListKind>(kind: K, file: string): readonly Item<Kinds[K]>[] {
    const items = this.#items.get(keyOf(kind, file));
    if (items === undefined) throw new Error(`${file} was not loaded as a list of kind ${kind}`);
    return items as readonly Item<Kinds[K]>[];
  }

  /** The table of a file of networks; all who ask share it. */
  networks(file: string): PrefixTable<string> {
    return this.#tables.get(keyOf('client', file)) as PrefixTable<string>;
  }

  /** The table of a file of patterns; all who ask share it. */
  patterns(kind: PatternKind, file: string): PatternTable<string> {
    return this.#tables.get(keyOf(kind, file)) as PatternTable<string>;
  }

  async #read(kind: ListKind, file: string, problems: ListProblem[]): Promise<void> {
    const key = keyOf(kind, file);
    const read = readers[kind];
    const items: Item<Kinds[ListKind]>[] = [];
    const networks = new PrefixTable<string>();
    const patterns = new PatternTable<string>();
    this.#items.set(key, items);
    if (kind !== 'triple') this.#tables.set(key, kind === 'client' ? networks : patterns);
    const text = await readFile(file, 'utf8');
    let count = 0;
    for (const { line, column, entry } of readEntries(text, kind === 'client' ? '#' : ' #')) {
      if (++count % linesAtOnce === 0) await setImmediate();
      try {
        // What stands for bytes that are none of UTF-8: it would be found in no address.
        if (entry.includes('\uFFFD')) throw new PatternError('bytes that are not UTF-8: expected UTF-8 text');
        const value = read(entry);
        const at = `${file}:${line}`;
        items.push({ value, at });
        if (kind === 'client') networks.add(value as Network, at);
        else if (kind !== 'triple') patterns.add(value as Pattern, at);
      } catch (error) {
        if (!(error instanceof PatternError || error instanceof NetworkError)) throw error;
        problems.push({ file, line, column, text: `${quoteEntry(entry)}: ${error.message}` });
      }
    }
  }
}

/** A reload reads while mail is served: so many lines take a few milliseconds, then others have their turn. */
const linesAtOnce = 500;

function keyOf(kind: ListKind, file: string): string {
  return `${kind} ${file}`;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}

function describeSystemError({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'no such file; expected a list';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied; the list must be readable by this user';
  if (code === 'EISDIR') return 'is a directory; expected a list';
  return message;
}
