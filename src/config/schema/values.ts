/**
 * The kinds of values in a configuration file. Every scalar arrives as the text that stands in the file, and its schema reads
 * it; what is wrong with it becomes an issue at its path, so that all errors of a file are told together. The third part of
 * each is what an editor is told in JSON Schema, where YAML's own types still show.
 */
import { isAbsolute, resolve } from 'node:path';
import * as z from 'zod';
import type { ListRequest } from '../../lists/list-files.ts';
import { parseDuration } from '../duration.ts';

/** A value's schema: what comes out of it. What goes in are texts, lists and objects of them. */
export type Schema<T> = z.ZodType<T>;
/** A part of a JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** An error of a check that looks at several keys: names the one to blame. */
export class KeyError extends RangeError {
  override readonly name = 'KeyError';
  readonly path: readonly PropertyKey[];

  constructor(path: readonly PropertyKey[], message: string) {
    super(message);
    this.path = path;
  }
}

/** Several of them, told together. @throws AggregateError of them, if there are any */
export function throwAll(errors: readonly KeyError[]): void {
  if (errors.length > 0) throw new AggregateError(errors);
}

/**
 * One text, read by `read`, which throws an error if it makes no sense; if its message does not name the text, the text is put
 * in front. `expected` says what may stand there, as in "expected a duration, such as 5m".
 */
export function scalar<T>(expected: string, read: (text: string) => T, json: JsonSchema = {}): Schema<T> {
  return parsed(z.string({ error: `expected ${expected}` }), read).meta({ title: expected, ...json });
}

/** A schema whose value `read` works out or checks further. */
export function parsed<In, T>(schema: Schema<In>, read: (value: In) => T): Schema<T> {
  return schema.transform((value, context) => {
    try {
      return read(value);
    } catch (error) {
      for (const each of error instanceof AggregateError ? error.errors : [error]) {
        context.issues.push({ code: 'custom', message: messageOf(each), input: value, path: pathOf(each) });
      }
      return z.NEVER;
    }
  });
}

/** A fault in the program stays one. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError) throw error;
  return error.message;
}

function pathOf(error: unknown): PropertyKey[] {
  return error instanceof KeyError ? [...error.path] : [];
}

/** One value or a list of them; a list left empty has none. With `least`, so many must be there. */
export function listOf<T>(schema: Schema<T>, { least = 0 }: { readonly least?: number } = {}): Schema<readonly T[]> {
  const list = z.array(schema, { error: 'expected a list' }).min(least, 'is empty: expected at least one value');
  return z.preprocess(
    value => value ?? [],
    z.union([schema.transform(value => [value]), list]) as Schema<readonly T[]>,
  );
}

/** Keys and values of which none need be given: left out or left empty, all have their defaults. */
export function section<T>(schema: Schema<T>): Schema<T> {
  return z.preprocess(value => value ?? {}, schema).prefault({}) as Schema<T>;
}

/** One line of text, not empty. */
export function line(expected: string): Schema<string> {
  return scalar(
    expected,
    text => {
      if (text.trim() === '' || /\p{Cc}/u.test(text)) throw new RangeError(`expected ${expected}, in one line`);
      return text;
    },
    { type: 'string' },
  );
}

const yes: ReadonlySet<string> = new Set(['true', 'yes', 'on']);
const no: ReadonlySet<string> = new Set(['false', 'no', 'off']);

/** `true` or `false`, also in YAML 1.1's words. */
export function boolean(): Schema<boolean> {
  return scalar(
    'true or false',
    text => {
      const word = text.toLowerCase();
      if (!yes.has(word) && !no.has(word)) throw new RangeError('expected true or false');
      return yes.has(word);
    },
    { enum: [true, false, 'yes', 'no', 'on', 'off'] },
  );
}

export function choice<const T extends string>(words: readonly T[]): Schema<T> {
  const expected = words.join(', ').replace(/, ([^,]*)$/, ' or $1');
  return scalar(
    expected,
    text => {
      const word = words.find(candidate => candidate === text);
      if (word === undefined) throw new RangeError(`expected ${expected}`);
      return word;
    },
    { enum: words },
  );
}

/** A whole number in decimal digits. */
export function whole(least: number, most: number): Schema<number> {
  const expected = `a whole number from ${least} to ${most}`;
  return scalar(
    expected,
    text => {
      const value = /^-?(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : Number.NaN;
      if (!(value >= least && value <= most)) throw new RangeError(`expected ${expected}`);
      return value;
    },
    { type: 'integer', minimum: least, maximum: most },
  );
}

/** Milliseconds; see `parseDuration`. */
export function duration({ positive = false }: { readonly positive?: boolean } = {}): Schema<number> {
  return scalar(
    'a duration, such as 300 (seconds), 5m or 1h30m',
    text => {
      const milliseconds = parseDuration(text);
      if (positive && milliseconds === 0) throw new RangeError(`expected a duration longer than nothing`);
      return milliseconds;
    },
    { type: ['string', 'integer'], pattern: '^(\\d{1,12}|(\\d{1,12}(ms|[wdhms]))+)$' },
  );
}

/** Permission bits, written in octal as everywhere, whatever YAML thinks of a leading zero. */
export function octalMode(): Schema<number> {
  return scalar('three octal digits, such as 0660', parseOctalMode, { type: ['string', 'integer'] });
}

export function parseOctalMode(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text))
    throw new RangeError(`'${text}' is not a mode: expected three octal digits, such as 0660`);
  return Number.parseInt(text, 8);
}

/** What values are read for: the folder that relative paths are meant from, and the list files they name. */
interface Reading {
  readonly folder: string;
  readonly lists: ListRequest[];
}
let reading: Reading = { folder: process.cwd(), lists: [] };

/** Runs `read`, synchronously, with relative paths meant from a folder; tells also which list files were named meanwhile. */
export function readFrom<T>(
  folder: string,
  read: () => T,
): { readonly result: T; readonly lists: readonly ListRequest[] } {
  const before = reading;
  const lists: ListRequest[] = [];
  reading = { folder, lists };
  try {
    return { result: read(), lists };
  } finally {
    reading = before;
  }
}

/** Takes note of a list file; gives its path. */
export function nameList(request: ListRequest): string {
  reading.lists.push(request);
  return request.file;
}

/** An absolute path; a relative one in a file is meant from that file's folder. `unless` is a word that stands for itself. */
export function path(unless?: string): Schema<string> {
  const absolute = (text: string): string =>
    text === unless || isAbsolute(text) ? text : resolve(reading.folder, text);
  return parsed(line(unless === undefined ? 'a path' : `a path or ${unless}`), absolute).meta({ type: 'string' });
}
