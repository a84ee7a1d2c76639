/**
 * A table from patterns to payloads. Exact patterns are looked up by the keys of the subject, so their number costs nothing;
 * keys of a shape that no pattern has are not even looked up. Regular expressions are tried one by one.
 */
import type { Expression } from './expression.ts';
import type { Pattern } from './pattern.ts';
import { type Subject, shapeOf } from './subject.ts';

export class PatternTable<T extends NonNullable<unknown>> {
  readonly #exact = new Map<string, T>();
  readonly #expressions: (readonly [Expression, T])[] = [];
  /** Of the patterns that name something exactly. */
  #shapes = 0;
  /** Of the patterns for domains with all below: which numbers of labels they have, one bit each. */
  #depths = 0;

  get size(): number {
    return this.#exact.size + this.#expressions.length;
  }

  /** Adds a pattern. One that is there already keeps its payload: the first line that names it is the one to look at. */
  add(pattern: Pattern, payload: T): void {
    if (typeof pattern !== 'string') {
      this.#expressions.push([pattern, payload]);
      return;
    }
    if (pattern.startsWith('.') || pattern.startsWith('@.')) this.#depths |= depthBit(labelsOf(pattern));
    else this.#shapes |= shapeOf(pattern);
    if (!this.#exact.has(pattern)) this.#exact.set(pattern, payload);
  }

  /** The payload of an exact pattern, as it was added. */
  get(pattern: string): T | undefined {
    return this.#exact.get(pattern);
  }

  /** The payload of the closest pattern that holds the subject. */
  find(subject: Subject): T | undefined {
    if (this.#shapes !== 0) {
      const { keys, shapes } = subject;
      for (let index = 0; index < keys.length; index++) {
        if ((this.#shapes & (shapes[index] as number)) === 0) continue;
        const found = this.#exact.get(keys[index] as string);
        if (found !== undefined) return found;
      }
    }
    if (this.#depths !== 0) {
      const { domains } = subject;
      for (let index = 0; index < domains.length; index++) {
        if ((this.#depths & depthBit(domains.length - index)) === 0) continue;
        const found = this.#exact.get(domains[index] as string);
        if (found !== undefined) return found;
      }
    }
    for (const [expression, payload] of this.#expressions) if (expression.test(subject.text)) return payload;
    return undefined;
  }

  /** Calls `visit` with the payload of every exact pattern that holds the subject. */
  each(subject: Subject, visit: (payload: T) => void): void {
    if (this.#shapes !== 0) {
      const { keys, shapes } = subject;
      for (let index = 0; index < keys.length; index++) {
        if ((this.#shapes & (shapes[index] as number)) === 0) continue;
        const found = this.#exact.get(keys[index] as string);
        if (found !== undefined) visit(found);
      }
    }
    if (this.#depths === 0) return;
    const { domains } = subject;
    for (let index = 0; index < domains.length; index++) {
      if ((this.#depths & depthBit(domains.length - index)) === 0) continue;
      const found = this.#exact.get(domains[index] as string);
      if (found !== undefined) visit(found);
    }
  }
}

/** All depths from 31 on share a bit. */
function depthBit(labels: number): number {
  return 1 << Math.min(labels, 31);
}

/** The labels of `.example.net` or `@.example.net`: two. */
function labelsOf(pattern: string): number {
  return pattern.split('.').length - 1;
}
