/**
 * What rules and lists name: networks, names, mail addresses and words, each in the file itself or in a file of its own.
 */
import * as z from 'zod';
import type { ListKind } from '../../lists/list-files.ts';
import {
  type Pattern,
  parseHeloPattern,
  parseMailPattern,
  parseNamePattern,
  parseWordPattern,
} from '../../lists/pattern.ts';
import { type Network, parseNetwork } from '../../net/network.ts';
import type { Values } from '../../policy/rules/rule.ts';
import { listOf, nameList, parsed, path, type Schema, scalar } from './values.ts';

/** The path of a file of such values. */
export function listFile(kind: ListKind): Schema<string> {
  return parsed(path(), file => nameList({ kind, file })).meta({ type: 'string' });
}

/** One value, a list of them, and files in between: `{ file: PATH }`. */
export function valuesOf<T>(kind: ListKind, element: Schema<T>): Schema<Values<T>> {
  const file = z.strictObject({
    file: listFile(kind).describe('A file of such values, one a line; # begins a comment.'),
  });
  const value = element.transform((one): Values<T> => ({ values: [one], files: [] }));
  const named = file.transform(({ file: name }): Values<T> => ({ values: [], files: [name] }));
  return listOf(z.union([value, named]) as Schema<Values<T>>).transform(
    (items): Values<T> => ({
      values: items.flatMap(({ values }) => values),
      files: items.flatMap(({ files }) => files),
    }),
  );
}

/** The same where nothing at all would be a slip. */
export function someOf<T>(kind: ListKind, element: Schema<T>): Schema<Values<T>> {
  return parsed(valuesOf(kind, element), values => {
    if (values.values.length + values.files.length === 0) throw new RangeError('is empty: expected at least one value');
    return values;
  });
}

/** Left out it is empty. */
export function anyOf<T>(kind: ListKind, element: Schema<T>): Schema<Values<T>> {
  return valuesOf(kind, element).prefault([]);
}

const text = { type: 'string' } as const;

export const network: Schema<Network> = scalar('an address or network such as 192.0.2.0/24', parseNetwork, text);
export const hostName: Schema<Pattern> = scalar(
  'a name such as mail.example.net or .example.com',
  parseNamePattern,
  text,
);
export const heloName: Schema<Pattern> = scalar(
  'a name such as mail.example.net or .example.com',
  parseHeloPattern,
  text,
);
export const mailAddress: Schema<Pattern> = scalar(
  'user@example.org, @example.org, @.example.org or user@',
  parseMailPattern,
  text,
);
export const word: Schema<Pattern> = scalar('a word or a regular expression between slashes', parseWordPattern, text);
