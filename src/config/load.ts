/**
 * Makes the configuration: a file's text, flags over it, the schema, and every problem in either with its place.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { maskKeys } from '../dnsbl/secret-key.ts';
import { forerunnersKey } from './forerunners.ts';
import { findingsOf, formatPath, type Source } from './issues.ts';
import { keysAt } from './keys.ts';
import { ConfigError, type Problem } from './problem.ts';
import { type Config, fileSchema } from './schema/file.ts';
import { readFrom } from './schema/values.ts';
import { type Settings, textsOf } from './settings.ts';
import { type Path, readYaml, type YamlTree } from './yaml-tree.ts';

/** A value given elsewhere than in the file, over which it wins. */
export interface Override {
  readonly path: readonly string[];
  /** As it would stand in the file: a text or a list of texts. */
  readonly value: string | readonly string[];
  /** `option -s, --socket` */
  readonly place: string;
}

/** A configuration, and what it was made from. */
export interface Loaded {
  readonly config: Config;
  /** As written, file and flags together; keys in zone names are not masked. */
  readonly written: Readonly<Record<string, unknown>>;
  /** The file; undefined if there is none. */
  readonly file: string | undefined;
  /** `FILE:LINE:COLUMN` of a key's value, or the flag that gives it. */
  locate(path: Path): string;
}

export const DEFAULT_FILE = '/etc/milter-greylist/milter-greylist.yaml';
/** The place of errors in what stands in no file. */
const withoutFile = 'configuration';
/** Long lists belong in files of their own. */
const largest = 1_000_000;

/** Reads a file, if one is given, and puts flags over it. Throws `ConfigError` with all that is wrong. */
export function loadConfig(file: string | undefined, overrides: readonly Override[] = []): Loaded {
  return parseConfig(file === undefined ? undefined : { file, text: readText(file) }, overrides);
}

/** The same with a file's text at hand. */
export function parseConfig(
  source: { readonly file: string; readonly text: string } | undefined,
  overrides: readonly Override[] = [],
): Loaded {
  const { tree, problems } = source === undefined ? { tree: undefined, problems: [] } : readYaml(source.text);
  const at = (problem: Problem): Problem => ({ ...problem, place: `${source?.file}:${problem.place}` });
  const found = problems.map(at);
  if (source !== undefined && tree === undefined) throw new ConfigError(found);
  const written = override(tree?.value ?? {}, overrides);
  const folder = source === undefined ? process.cwd() : dirname(resolve(source.file));
  const locate = (path: Path, what?: 'key' | 'value'): string => {
    const flag = overrides.find(candidate => candidate.path.every((step, index) => step === path[index]));
    return flag?.place ?? (tree ? `${source?.file}:${tree.locate(path, what)}` : withoutFile);
  };
  const config = check(written, { tree, folder }, locate, found);
  return {
    config: withPlaces(config, locate),
    written: written as Loaded['written'],
    file: source?.file,
    locate: path => locate(path),
  };
}

/** What the schema makes of it, or all that was found wrong and all that the schema finds besides. */
function check(
  written: unknown,
  { tree, folder }: { readonly tree: YamlTree | undefined; readonly folder: string },
  locate: (path: Path, what: 'key' | 'value') => string,
  found: Problem[],
): Config {
  const { result, lists } = readFrom(folder, () => fileSchema.safeParse(written));
  if (!result.success) {
    const stumbled = new Set(found.map(({ place }) => place));
    const findings = findingsOf(result.error.issues, sourceOf(written, tree));
    for (const { path, what, message } of findings) {
      const place = locate(path, what);
      const key = formatPath(path);
      // Text that YAML itself stumbled over is told once.
      if (!stumbled.has(place)) found.push({ place, message: printable(key === '' ? message : `${key}: ${message}`) });
    }
  }
  if (found.length > 0 || !result.success) throw new ConfigError(found.toSorted(byPlace), { lists });
  return result.data;
}

/** Rules are called by their lines in the log. */
function withPlaces(config: Config, locate: (path: Path) => string): Config {
  const rules = config.rules.map((rule, index) => ({ ...rule, at: locate(['rules', index]).replace(/:\d+$/, '') }));
  return { ...config, rules };
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    const { size } = statSync(file);
    if (size > largest) {
      const message = `has ${size} bytes: expected at most ${largest}; put long lists into files of their own`;
      throw new ConfigError([{ place: file, message }]);
    }
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([{ place: file, message: describeSystemError(error as NodeJS.ErrnoException) }], {
      cause: error,
    });
  }
  if (isUtf8(bytes)) return bytes.toString('utf8').replace(/^\uFEFF/, '');
  const lines = bytes.toString('latin1').split('\n');
  const bad = lines.findIndex(line => !isUtf8(Buffer.from(line, 'latin1')));
  throw new ConfigError([{ place: `${file}:${bad + 1}:1`, message: 'bytes that are not UTF-8: expected UTF-8 text' }]);
}

function describeSystemError({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'no such file: expected a configuration';
  if (code === 'EACCES' || code === 'EPERM')
    return 'permission denied: the configuration must be readable by this user';
  if (code === 'EISDIR') return 'is a directory: expected a configuration file';
  return message;
}

/**
 * The same from an object in the shape of the file. A relative path is meant from the working folder; errors have
 * `configuration` for their place.
 */
export function parseSettings(settings: Settings): Config {
  let written: unknown;
  try {
    written = textsOf(settings);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError([{ place: withoutFile, message: error.message }]);
  }
  return check(written, { tree: undefined, folder: process.cwd() }, () => withoutFile, []);
}

/** A copy of what the file says with the overrides in it. Where the file has no room for one, its error is told instead. */
function override(value: unknown, overrides: readonly Override[]): unknown {
  let whole = value;
  for (const { path, value: given } of overrides) whole = put(whole, path, given);
  return whole;
}

function put(whole: unknown, [key, ...rest]: readonly string[], value: Override['value']): unknown {
  if (key === undefined) return value;
  if (whole !== undefined && whole !== null && !isObject(whole)) return whole;
  const copy: Record<string, unknown> = Object.assign(Object.create(null), whole);
  copy[key] = put(copy[key], rest, value);
  return copy;
}

function sourceOf(written: unknown, tree: YamlTree | undefined): Source {
  const value = (path: Path): unknown =>
    path.reduce<unknown>(
      (around, step) => (typeof around === 'object' && around !== null ? (around as never)[step] : undefined),
      written,
    );
  return {
    value,
    mistaken: path => tree?.mistaken(path),
    keys: path => keysAt(path.map(String)),
    hint: forerunnersKey,
  };
}

/** Fit to be shown: without keys, and without what a terminal would obey. */
function printable(message: string): string {
  return maskKeys(message).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}

/** File lines in order; flags after them. */
function byPlace(one: Problem, other: Problem): number {
  const [a, b] = [one, other].map(({ place }) => /:(?<line>\d+):(?<column>\d+)$/.exec(place)?.groups);
  const line = (Number(a?.line ?? Infinity) || 0) - (Number(b?.line ?? Infinity) || 0);
  return line || Number(a?.column ?? 0) - Number(b?.column ?? 0) || 0;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
