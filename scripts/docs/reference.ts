/**
 * The parts of the documents that are made from the configuration's schema: tables of keys for `docs/configuration.md` and the manual
 * page, the forerunner's names, and the JSON Schema. `npm run docs` writes them, a test holds them up to date.
 */
import { readFileSync } from 'node:fs';
import { flagsOfKeys } from '../../src/config/command-line.ts';
import { forerunnersOptions } from '../../src/config/forerunners.ts';
import { jsonSchema, type KeyEntry, keyEntries } from '../../src/config/keys.ts';
import type { JsonSchema } from '../../src/config/schema/values.ts';

/** The documents as they should be: path in the repository and text. */
export function documents(): ReadonlyMap<string, string> {
  const page = 'docs/configuration.md';
  const manual = 'docs/man/milter-greylist.8';
  return new Map([
    ['docs/milter-greylist.schema.json', schemaText()],
    [page, fill(page, fill(page, readFileSync(page, 'utf8'), 'keys', pageOfKeys()), 'forerunner', pageOfForerunner())],
    [manual, fill(manual, readFileSync(manual, 'utf8'), 'keys', manualOfKeys())],
  ]);
}

function schemaText(): string {
  const { $schema, ...rest } = shared(jsonSchema());
  return `${JSON.stringify({ $schema, title: 'Configuration of milter-greylist', ...rest }, null, 2)}\n`;
}

/** Shorter ones stand where they are used. */
const worthSharing = 300;

/** The same schema, with parts that stand in several places in one, `$defs`. */
function shared(schema: JsonSchema): JsonSchema {
  const counts = new Map<string, number>();
  const count = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    const text = JSON.stringify(part);
    counts.set(text, (counts.get(text) ?? 0) + 1);
    // What stands in a part that is shared anyway is counted once.
    if (counts.get(text) === 1) for (const below of Object.values(part)) count(below);
  };
  count(schema);
  const names = new Map<string, string>();
  const defs: Record<string, unknown> = {};
  const replace = (part: unknown, mayShare = true): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    const text = JSON.stringify(part);
    const share = mayShare && isSchema(part) && text.length > worthSharing && (counts.get(text) ?? 0) > 1;
    if (Array.isArray(part)) return part.map(item => replace(item));
    if (!share) return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, replace(value)]));
    const name = names.get(text) ?? `shared${names.size + 1}`;
    if (!names.has(text)) {
      names.set(text, name);
      defs[name] = replace(part, false);
    }
    return { $ref: `#/$defs/${name}` };
  };
  return { ...(replace(schema, false) as JsonSchema), $defs: defs };
}

function isSchema(part: object): boolean {
  return 'type' in part || 'anyOf' in part || 'enum' in part;
}

/** Puts a made part between its marks. */
function fill(path: string, text: string, name: string, part: string): string {
  const shape = new RegExp(`(^.*begin ${name}.*\\n)[^]*?(^.*end ${name}.*$)`, 'm');
  if (!shape.test(text)) throw new Error(`${path}: expected the marks "begin ${name}" and "end ${name}"`);
  return text.replace(shape, (_, begin: string, end: string) => `${begin}${part}${end}`);
}

function pageOfKeys(): string {
  const entries = keyEntries();
  const [sections, values] = [entries.filter(isSection), entries.filter(entry => !isSection(entry))];
  const parts = [`### At the top\n\n${table(values)}`];
  for (const section of sections)
    parts.push(`### \`${section.key}\`\n\n${section.description}\n\n${table(flat(section.keys), section.key)}`);
  return `\n${parts.join('\n')}\n`;
}

function isSection({ keys }: KeyEntry): boolean {
  return keys.length > 0;
}

/** Keys with those below them; what every list of values can have, and conditions within conditions, are told elsewhere. */
function flat(entries: readonly KeyEntry[]): readonly KeyEntry[] {
  const told = entries.filter(({ key }) => !key.endsWith('.file'));
  return told.flatMap(entry => [entry, ...(entry.key.endsWith('.not') ? [] : flat(entry.keys))]);
}

function table(entries: readonly KeyEntry[], around?: string): string {
  const flags = flagsOfKeys();
  const rows = entries.map(({ key, expected, standard, description }) => {
    const name = around === undefined ? key : key.slice(around.length).replace(/^(?:\[\])?\./, '');
    const flag = flags.get(key);
    const text = [description, expected && `Expected: ${expected}.`, flag && `Flag: \`${flag}\`.`]
      .filter(Boolean)
      .join(' ');
    return `| \`${name}\` | ${standardText(standard, '`')} | ${text.replaceAll('|', '\\|')} |\n`;
  });
  return `| Key | Default | |\n|---|---|---|\n${rows.join('')}`;
}

/** A default in the file's spelling; a section's is told by its keys. */
function standardText(standard: unknown, quote: string): string {
  if (typeof standard === 'string') return `${quote}${standard}${quote}`;
  if (!Array.isArray(standard)) return '';
  return standard.length === 0 ? 'none' : standard.map(item => `${quote}${item}${quote}`).join(', ');
}

function pageOfForerunner(): string {
  const rows = forerunnersOptions.map(
    ({ option, key, flag, remark }) => `| \`${option}\` | \`${key}\` | ${code(flag)} | ${remark} |\n`,
  );
  return `\n| pygreylist | Key | Flag | |\n|---|---|---|---|\n${rows.join('')}\n`;
}

function code(flags: string): string {
  return flags
    .split(', ')
    .map(flag => `\`${flag}\``)
    .join(', ');
}

function manualOfKeys(): string {
  const lines = ['.Bl -tag -width Ds'];
  for (const { key, description, standard } of flat(keyEntries())) {
    lines.push(`.It Cm ${key}`, ...sentences(description));
    const text = standardText(standard, '');
    if (text !== '' && text !== 'none') lines.push(`Default: ${roff(text).replaceAll('. ', '.\\& ')}.`);
  }
  return `${[...lines, '.El'].join('\n')}\n`;
}

/** Every sentence on a line of its own, as manual pages have it. */
function sentences(markdown: string): readonly string[] {
  if (markdown === '') return ['See the reference page.'];
  return markdown.split(/(?<=\.) /).map(sentence => roff(sentence.replaceAll('`', "'")));
}

/** Text that the formatter takes as it is. */
function roff(text: string): string {
  const plain = text.replaceAll('\\', '\\e').replaceAll("'", '\\(aq').replaceAll('^', '\\(ha').replaceAll('~', '\\(ti');
  return plain.startsWith('.') ? `\\&${plain}` : plain;
}
