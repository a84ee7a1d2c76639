/**
 * A part that can be turned on and off by one word, and set up in detail by a section.
 */
import * as z from 'zod';
import { boolean, type Schema, section } from './values.ts';

/** `false` turns it off, `true` on with its defaults, keys and values on with these. Off is `false`. */
export function switchable<T extends object>(schema: Schema<T>): Schema<T | false> {
  return z.union([
    z.preprocess(value => (value === null ? {} : value), schema),
    boolean().transform(on => (on ? section(schema).parse(undefined) : false)),
  ]) as Schema<T | false>;
}
