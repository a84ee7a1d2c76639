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

/** The keys that may stand in the object at a path, in the order of the schema. Steps through lists count. */
export function keysAt(path: readonly string[]): readonly string[] {
  let places: readonly JsonSchema[] = [jsonSchema()];
  for (const step of path) places = places.flatMap(place => alternatives(place)).flatMap(place => below(place, step));
  const keys = places.flatMap(alternatives).flatMap(({ properties }) => Object.keys(properties ?? {}));
  return [...new Set(keys)];
}

/** A schema that is a choice, as its choices. */
export function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const choices = schema.anyOf as readonly JsonSchema[] | undefined;
  return choices === undefined ? [schema] : choices.flatMap(alternatives);
}

function below({ properties, items }: JsonSchema, step: string): readonly JsonSchema[] {
  const property = (properties as Readonly<Record<string, JsonSchema>> | undefined)?.[step];
  if (property !== undefined) return [property];
  return items !== undefined && /^\d+$/.test(step) ? [items as JsonSchema] : [];
}
