/**
 * A table from patterns to payloads. Exact patterns are looked up by the keys of the subject, so their number costs nothing;
 * regular expressions are tried one by one.
 */
import type { Expression } from './expression.ts';
import type { Pattern } from './pattern.ts';
import type { Subject } from './subject.ts';

export class PatternTable<T extends NonNullable<unknown>> {
  readonly #exact = new Map<string, T>();
  readonly #expressions: (readonly [Expression, T])[] = [];
  #hasDomains = false;

  get size(): number {
    return this.#exact.size + this.#expressions.length;
  }

  /** Adds a pattern. One that is there already keeps its payload: the first line that names it is the one to look at. */
  add(pattern: Pattern, payload: T): void {
    if (typeof pattern !== 'string') {
      this.#expressions.push([pattern, payload]);
      return;
    }
    if (pattern.startsWith('.') || pattern.startsWith('@.')) this.#hasDomains = true;
    if (!this.#exact.has(pattern)) this.#exact.set(pattern, payload);
  }

  /** The payload of an exact pattern, as it was added. */
  get(pattern: string): T | undefined {
    return this.#exact.get(pattern);
  }

  /** The payload of the closest pattern that holds the subject. */
  find(subject: Subject): T | undefined {
    if (this.#exact.size > 0) {
      const found = this.#lookUp(subject.keys) ?? (this.#hasDomains ? this.#lookUp(subject.domains) : undefined);
      if (found !== undefined) return found;
    }
    for (const [expression, payload] of this.#expressions) if (expression.test(subject.text)) return payload;
    return undefined;
  }

  /** Calls `visit` with the payload of every exact pattern that holds the subject. */
  each(subject: Subject, visit: (payload: T) => void): void {
    if (this.#exact.size === 0) return;
    for (const key of subject.keys) {
      const payload = this.#exact.get(key);
      if (payload !== undefined) visit(payload);
    }
    if (!this.#hasDomains) return;
    for (const key of subject.domains) {
      const payload = this.#exact.get(key);
      if (payload !== undefined) visit(payload);
    }
  }

  #lookUp(keys: readonly string[]): T | undefined {
    for (const key of keys) {
      const found = this.#exact.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
