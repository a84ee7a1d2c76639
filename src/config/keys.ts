/**
 * The keys of the configuration as an editor sees them: the schema as JSON Schema, and a walk over it.
 */
import * as z from 'zod';
import { fileSchema } from './schema/file.ts';
import type { JsonSchema } from './schema/values.ts';

let cached: JsonSchema | undefined;

/** What may stand in a file, draft 2020-12. */
export function jsonSchema(): JsonSchema {
  cached ??= z.toJSONSchema(fileSchema, { io: 'input', reused: 'inline' }) as JsonSchema;
  return cached;
}

/** One key, as the documents tell of it. */
export interface KeyEntry {
  /** `greylist.delay`; `[]` stands for any item of a list. */
  readonly key: string;
  /** Markdown. */
  readonly description: string;
  /** What may stand there, in words; undefined if it has keys of its own. */
  readonly expected: string | undefined;
  /** In the file's spelling; undefined if there is none. */
  readonly standard: unknown;
  /** Its own keys, and those of a list's items. */
  readonly keys: readonly KeyEntry[];
}

/** All keys, in the order of the schema. */
export function keyEntries(schema: JsonSchema = jsonSchema(), around = ''): readonly KeyEntry[] {
  return Object.entries((schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>).map(([name, value]) => {
    const key = around === '' ? name : `${around}.${name}`;
    const choices = alternatives(value);
    const below = choices.flatMap(({ items }) => (items === undefined ? [] : alternatives(items as JsonSchema)));
    const ofItems = below.flatMap(item => keyEntries(item, `${key}[]`));
    // A single item may stand for a list of one: its keys are told once.
    const names = new Set(ofItems.map(item => item.key.slice(key.length + 3)));
    const own = choices
      .flatMap(choice => keyEntries(choice, key))
      .filter(({ key: k }) => !names.has(k.slice(key.length + 1)));
    const titles = new Set([...choices, ...below].flatMap(({ title }) => (title === undefined ? [] : [String(title)])));
    return {
      key,
      description: String(value.description ?? ''),
      expected: titles.size === 0 ? undefined : [...titles].join(', or '),
      standard: value.default,
      keys: [...own, ...ofItems],
    };
  });
}

/** The keys that may stand in the object at a path, in the order of the schema. Steps through lists count. */
export function keysAt(path: readonly string[]): readonly string[] {
  let places: readonly JsonSchema[] = [jsonSchema()];
  for (const step of path) places = places.flatMap(place => alternatives(place)).flatMap(place => below(place, step));
  const keys = places.flatMap(alternatives).flatMap(({ properties }) => Object.keys(properties ?? {}));
  return [...new Set(keys)];
}

/** A schema that is a choice, as its choices. */
function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const choices = schema.anyOf as readonly JsonSchema[] | undefined;
  return choices === undefined ? [schema] : choices.flatMap(alternatives);
}

function below({ properties, items }: JsonSchema, step: string): readonly JsonSchema[] {
  const property = (properties as Readonly<Record<string, JsonSchema>> | undefined)?.[step];
  if (property !== undefined) return [property];
  return items !== undefined && /^\d+$/.test(step) ? [items as JsonSchema] : [];
}
