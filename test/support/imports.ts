/**
 * Reads the imports of a TypeScript module from its text: `import`, `export … from` and `import()` with a literal path.
 */
import { posix } from 'node:path';

export interface Import {
  /** The module that is imported, as a path from the top for one of ours (`src/net/address.ts`), else as written. */
  readonly target: string;
  /** Line of the module's name, from 1. */
  readonly line: number;
  /** Whether it is gone after compilation: `import type`, `export type`. */
  readonly typeOnly: boolean;
}

/** The imports of the module at `path` with this text, in order. */
export function readImports(path: string, text: string): readonly Import[] {
  const code = withoutComments(text);
  const statement =
    /^\s*(import|export)\b(\s+type\b)?(?:[^;'"]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
  return Array.from(code.matchAll(statement), match => {
    const name = match[3] ?? match[4] ?? '';
    const end = match.index + match[0].length;
    return {
      target: name.startsWith('.') ? posix.join(posix.dirname(path), name) : name,
      line: code.slice(0, end).split('\n').length,
      typeOnly: match[2] !== undefined,
    };
  });
}

/** Blanks comments, keeping line numbers. Strings are kept, also with slashes in them; templates may lose some of theirs. */
function withoutComments(text: string): string {
  const pieces = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*.*?\*\/|\/\/[^\n]*/gsu;
  return text.replace(pieces, piece => (piece.startsWith('/') ? piece.replace(/[^\n]/g, ' ') : piece));
}

/** One cycle of the graph as the paths on it, the first repeated at the end; undefined if there is none. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const walk = (node: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = walk(next, [...trail, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = walk(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}
