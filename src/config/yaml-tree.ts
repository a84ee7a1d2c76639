/**
 * A configuration file as a tree of texts. YAML's guesses about types (`0660` a number, `1e3` a thousand, `no` false) are not made:
 * every scalar is the text that stands there, and the key it belongs to says what it means. Each value can be found again by
 * its path, so that whatever is said about it later has line and column.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Range,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type Problem, printable, quote } from './problem.ts';

/** Keys and indices that lead from the root to a value. */
export type Path = readonly PropertyKey[];

export interface YamlTree {
  /** Texts, lists of values, and objects without prototype; null is a value left empty. */
  readonly value: unknown;
  /** `LINE:COLUMN` of a value or its key; of the nearest value around it if it is not there. */
  locate(path: Path, what?: 'key' | 'value'): string;
  /** The line of a value, from 1. */
  line(path: Path): number;
  /** What stands there, if it is a key without value that was meant as a text: `fe80::` and `{WAIT}` are such. */
  mistaken(path: Path): string | undefined;
}

export interface YamlReading {
  /** Undefined if the text has no structure that one could go on with. */
  readonly tree: YamlTree | undefined;
  /** In the order of the text; `place` is `LINE:COLUMN`. */
  readonly problems: readonly Problem[];
}

/** Errors that leave the structure as it was meant. */
const harmless: ReadonlySet<string> = new Set(['BAD_SCALAR_START', 'DUPLICATE_KEY', 'TAG_RESOLVE_FAILED', 'BAD_ALIAS']);
/** One broken line makes YAML stumble over many others. */
const syntaxProblems = 5;
/** What aliases may unfold to, all together: ten lists of lists of lists would fill the memory. */
const unfolded = 100_000;
const deepest = 64;
/** YAML's own parser calls itself for every level, and tells the overflow in several ways. */
const tooDeep: YamlReading = {
  tree: undefined,
  problems: [{ place: '1:1', message: 'too many levels: expected a plain configuration' }],
};

/** Reads a whole file's text. */
export function readYaml(text: string): YamlReading {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false });
    const root = document.contents as Node | null;
    const reader = new TreeReader(text, lines, root);
    const faults = [...document.errors, ...document.warnings].sort((one, other) => one.pos[0] - other.pos[0]);
    if (faults.some(({ message }) => /call stack/.test(message))) return tooDeep;
    const problems = faults.map(fault => reader.problem(fault));
    if (faults.some(({ code }) => !harmless.has(code)))
      return { tree: undefined, problems: distinct(problems).slice(0, syntaxProblems) };
    const value = root === null ? null : reader.read(root, 0);
    return { tree: { ...reader.tree(), value }, problems: [...problems, ...reader.problems] };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return tooDeep;
  }
}

class TreeReader {
  readonly #text: string;
  readonly #lines: LineCounter;
  readonly #root: Node | null;
  readonly #anchors = new Map<string, Node>();
  readonly problems: Problem[] = [];
  #unfolded = 0;
  #within = 0;

  constructor(text: string, lines: LineCounter, root: Node | null) {
    this.#text = text;
    this.#lines = lines;
    this.#root = root;
  }

  /** A node as plain value. Anchors are known from where they stand on, as YAML wants it. */
  read(node: Node | null, depth: number): unknown {
    if (node === null) return null;
    if (depth > deepest) throw new RangeError('too deep');
    if (this.#within > 0 && ++this.#unfolded > unfolded) {
      if (this.#unfolded === unfolded + 1)
        this.#complain(node, `aliases unfold to more than ${unfolded} values: write them out, or use a list file`);
      return null;
    }
    if (isAlias(node)) return this.#follow(node.source, node, depth);
    const { anchor } = node as { anchor?: string };
    const value = this.#collect(node, depth);
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    return value;
  }

  #collect(node: Node, depth: number): unknown {
    // A block of text ends in a line feed that nobody meant.
    if (isScalar(node)) return isEmpty(node) ? null : String(node.value).replace(/\n+$/, '');
    if (isSeq(node)) return node.items.map(item => this.read(item as Node | null, depth + 1));
    const object: Record<string, unknown> = Object.create(null);
    for (const { key, value } of (node as YAMLMap<Node, Node | null>).items) {
      if (isScalar(key)) object[String(key.value)] = this.read(value, depth + 1);
      else this.#complain(key, 'a key that is no plain text: expected key: value');
    }
    return object;
  }

  #follow(name: string, node: Node, depth: number): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      const text = `*${name}`;
      this.#complain(
        node,
        `${quote(text)}: a * in front makes it an alias of YAML: expected quotes around it, "${text}"`,
      );
      return text;
    }
    this.#within++;
    const value = this.read(target, depth + 1);
    this.#within--;
    return value;
  }

  #complain(node: Node, message: string): void {
    this.problems.push({ place: this.#place(node.range?.[0] ?? 0), message: printable(message) });
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${line}:${col}`;
  }

  /** A problem that YAML has found, in words for who wrote the file. */
  problem({ code, message, pos: [start] }: YAMLError): Problem {
    const rest = /^.*/.exec(this.#text.slice(start))?.[0].trim() ?? '';
    const before = this.#text.slice(this.#text.lastIndexOf('\n', start - 1) + 1, start);
    // `{WAIT} secs` is a mapping and then something that has no place.
    const bracket = code === 'UNEXPECTED_TOKEN' ? /(?:: +|- +|^)(?<text>[{[].*)$/.exec(before + rest) : null;
    if (bracket?.groups?.text === undefined)
      return { place: this.#place(start), message: printable(explain(code, rest, message)) };
    const { text } = bracket.groups;
    const offset = start - before.length + (before + rest).lastIndexOf(text);
    const why = `text that begins with ${text[0]} must stand in quotes: expected "${text}"`;
    return { place: this.#place(offset), message: printable(`${quote(text)}: ${why}`) };
  }

  tree(): Omit<YamlTree, 'value'> {
    const offset = (path: Path, what: 'key' | 'value'): number => this.#find(path, what);
    return {
      locate: (path, what = 'value') => this.#place(offset(path, what)),
      line: path => this.#lines.linePos(offset(path, 'value')).line,
      mistaken: path => this.#mistakenAt(path),
    };
  }

  #find(path: Path, what: 'key' | 'value'): number {
    let node = this.#root;
    let offset = node?.range?.[0] ?? 0;
    for (const [index, step] of path.entries()) {
      const pair = this.#child(node, step);
      if (pair === undefined) return offset;
      const last = index === path.length - 1;
      const [value, key] = [pair.value?.range, pair.key?.range];
      const empty = value !== undefined && value !== null && value[0] === value[1];
      offset = ((last && what === 'key') || empty ? (key ?? value) : (value ?? key))?.[0] ?? offset;
      node = pair.value;
    }
    return offset;
  }

  #mistakenAt(path: Path): string | undefined {
    let node = this.#root;
    for (const step of path) node = this.#child(node, step)?.value ?? null;
    node = this.#resolved(node);
    if (!isMap(node) || node.items.length !== 1) return undefined;
    const [pair] = node.items as [Pair<Node, Node | null>];
    if (pair.value !== null && !(isScalar(pair.value) && isEmpty(pair.value))) return undefined;
    return node.flow ? this.#source(node.range) : `${this.#source(pair.key.range)}:`;
  }

  #source(range: Range | null | undefined): string {
    return range ? this.#text.slice(range[0], range[1]).trimEnd() : '';
  }

  #resolved(node: Node | null): Node | null {
    return isAlias(node) ? (this.#anchors.get(node.source) ?? null) : node;
  }

  #child(around: Node | null, step: PropertyKey): { key: Node | undefined; value: Node | null } | undefined {
    const node = this.#resolved(around);
    if (isSeq(node)) {
      const value = node.items[Number(step)] as Node | undefined;
      return value && { key: undefined, value };
    }
    if (!isMap(node)) return undefined;
    // A key given twice: the last one is in force.
    const pair = node.items.findLast(({ key }) => isScalar(key) && key.value === step);
    return pair && { key: pair.key as Node, value: pair.value as Node | null };
  }
}

/** Nothing behind the colon, or `~` or `null` without quotes. */
function isEmpty({ value, type }: { value: unknown; type?: string }): boolean {
  return (type === undefined || type === 'PLAIN') && (value === null || /^(?:|~|null)$/i.test(String(value)));
}

function distinct(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ place }, index) => problems.findIndex(other => other.place === place) === index);
}

function explain(code: string, rest: string, message: string): string {
  const text = rest === '' ? 'the end of the line' : quote(rest);
  switch (code) {
    case 'BAD_SCALAR_START':
      return `${text}: text that begins with ${rest[0]} must stand in quotes: expected "${rest.replace(/\s+#.*/, '')}"`;
    case 'BAD_ALIAS':
      return `${text}: a * in front makes it an alias of YAML: expected quotes around it`;
    case 'DUPLICATE_KEY':
      return `${quote(rest.replace(/:(?:\s.*)?$/, ''))}: the key stands here a second time: expected it once`;
    case 'TAB_AS_INDENT':
      return 'a tab: expected spaces in front of keys and values';
    case 'MULTIPLE_DOCS':
      return `${text}: a second document: expected one, without a line ---`;
    case 'TAG_RESOLVE_FAILED':
      return `${text}: a ! in front makes it a tag of YAML: expected the value alone, or quotes around it`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return `${text}: a colon before a space or the line's end makes a key: expected quotes around the value`;
    default:
      if (/^Missing , |of flow sequence|sufficiently indented/.test(message))
        return `${text}: within brackets: expected commas between values, and the closing bracket`;
      if (code === 'MULTILINE_IMPLICIT_KEY') return `${text}: no colon and space behind the key: expected key: value`;
      if (/same column/.test(message))
        return `${text}: not in the column of the lines before: expected as many spaces in front as they have`;
      return `${text}: ${message.charAt(0).toLowerCase()}${message.slice(1)}: expected YAML`;
  }
}
