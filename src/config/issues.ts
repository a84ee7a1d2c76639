/**
 * What a schema finds wrong, in words for who wrote the file: `key: 'offending text': expected …`.
 */
import type * as z from 'zod';
import { quote } from './problem.ts';
import type { Path } from './yaml-tree.ts';

type Issue = z.core.$ZodIssue;

/** One finding: where, and what to say behind the key. */
export interface Finding {
  readonly path: Path;
  readonly what: 'key' | 'value';
  readonly message: string;
}

/** What is known of the values that a schema was given. */
export interface Source {
  /** The value at a path; undefined if there is none. */
  value(path: Path): unknown;
  /** What stands there if it is a key by mistake. */
  mistaken(path: Path): string | undefined;
  /** The keys that may stand in an object. */
  keys(path: Path): readonly string[];
  /** What to say of a key that is known elsewhere. */
  hint(key: string): string | undefined;
}

/** All findings of a schema's issues. */
export function findingsOf(issues: readonly Issue[], source: Source): readonly Finding[] {
  return issues.flatMap(issue => describe(issue, source));
}

/** `greylist.delay`, `rules[2].if.client[0]` */
export function formatPath(path: Path): string {
  return path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
    '',
  );
}

function describe(issue: Issue, source: Source): readonly Finding[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(key => ({ path: [...path, key], what: 'key', message: unknownKey(key, path, source) }));
  if (issue.code === 'invalid_union') return describeUnion(issue, source);
  if (issue.code === 'invalid_key')
    return [{ path, what: 'key', message: issue.issues.map(({ message }) => message).join(', ') }];
  const value = source.value(path);
  if (value === undefined && path.length > 0)
    return [{ path, what: 'key', message: `is missing: ${expectation(issue).replace('is empty: ', '')}` }];
  if (issue.code === 'invalid_type') return [{ path, what: 'value', message: wrongShape(issue, source, value) }];
  const named = typeof value !== 'string' || names(issue.message, value);
  return [{ path, what: 'value', message: named ? issue.message : `${quote(value)}: ${issue.message}` }];
}

/** Whether a message tells the text already, masked perhaps: it begins with it, or with what it is. */
function names(message: string, text: string): boolean {
  return message.includes(`'${text}'`) || /^(?:\w+ )?["']/.test(message);
}

/** Of several shapes that a value may have, the one that was meant is the one that it has. */
function describeUnion(issue: Extract<Issue, { code: 'invalid_union' }>, source: Source): readonly Finding[] {
  const branches = issue.errors.map(errors =>
    errors.map(error => ({ ...error, path: [...issue.path, ...error.path] })),
  );
  const isShape = (error: Issue): boolean => error.code === 'invalid_type' && error.path.length === issue.path.length;
  const meant = isText(issue.path, source)
    ? []
    : branches.filter(errors => !errors.some(error => isOutside(error, isShape)));
  const best = meant.toSorted((one, other) => one.length - other.length)[0];
  if (best !== undefined) return findingsOf(best, source);
  const words = new Set(branches.flat().flatMap(error => expectations(error, isShape)));
  const message = `expected ${[...words].map(word => word.replace(/^expected /, '')).join(', or ')}`;
  return describe({ code: 'invalid_type', expected: 'never' as never, path: issue.path, message } as Issue, source);
}

/** Whether a text was meant by what stands there, which YAML takes for keys: it looks like one without value that nobody knows. */
function isText(path: Path, { value, mistaken, keys }: Source): boolean {
  if (mistaken(path) === undefined) return false;
  const known = keys(path);
  return !Object.keys(value(path) as object).some(key => known.includes(key));
}

/** Whether an error says that the value has another shape altogether; also within a union of unions. */
function isOutside(error: Issue, isShape: (error: Issue) => boolean): boolean {
  if (error.code !== 'invalid_union') return isShape(error);
  const below = error.errors.map(errors => errors.map(inner => ({ ...inner, path: [...error.path, ...inner.path] })));
  return below.every(errors => errors.some(inner => isOutside(inner, isShape)));
}

function expectations(error: Issue, isShape: (error: Issue) => boolean): readonly string[] {
  if (error.code === 'invalid_union')
    return error.errors
      .flat()
      .flatMap(inner => expectations({ ...inner, path: [...error.path, ...inner.path] }, isShape));
  return isShape(error) ? [expectation(error)] : [];
}

function expectation(issue: Issue): string {
  if (issue.code !== 'invalid_type' || !issue.message.startsWith('Invalid input')) return issue.message;
  return issue.expected === 'array' ? 'expected a list' : 'expected keys and values';
}

function wrongShape(issue: Issue, { mistaken, keys }: Source, value: unknown): string {
  const known = issue.path.length > 0 && expectation(issue) === 'expected keys and values' ? keys(issue.path) : [];
  const expected = known.length > 0 ? `expected keys and values: ${known.join(', ')}` : expectation(issue);
  if (value === null) return `is empty: ${expected}`;
  if (typeof value === 'string') return `${quote(value)}: ${expected}`;
  const text = mistaken(issue.path);
  if (text === undefined) return `${Array.isArray(value) ? 'a list' : 'keys and values'}: ${expected}`;
  const why = text.startsWith('{') ? 'braces around it make it' : 'a colon at the end makes it';
  return `${quote(text)}: ${why} a key: ${expected}, in quotes`;
}

function unknownKey(key: string, path: Path, { keys, hint }: Source): string {
  const known = keys(path);
  if (key === '<<') return 'a merge key of YAML: expected keys and values written out, or an alias for all of them';
  const told = hint(key);
  if (told !== undefined) return `unknown key: expected ${told}`;
  const like = key.toLowerCase();
  const below =
    path.length > 0 ? [] : known.filter(section => keys([section]).some(name => name.toLowerCase() === like));
  if (below.length > 0) return `unknown key: expected it below ${below.join(' or ')}`;
  const near = known.filter(candidate => isNear(like, candidate.toLowerCase()));
  const expected = near.length > 0 ? near.join(' or ') : `one of ${known.join(', ')}`;
  return `unknown key: expected ${expected}`;
}

/** Whether one word becomes the other by a slip or two (Levenshtein distance of at most 2, less for short ones). */
function isNear(one: string, other: string): boolean {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= other.length; column++) {
      const change = row[column - 1]! + (letter === other[column - 1] ? 0 : 1);
      next.push(Math.min(change, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]! <= (other.length > 4 ? 2 : 1);
}
