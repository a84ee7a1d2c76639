import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod';
import { documents } from '../../scripts/docs/reference.ts';
import { forerunnersOptions } from '../../src/config/forerunners.ts';
import { type KeyEntry, keyEntries, keysAt } from '../../src/config/keys.ts';
import { parseConfig } from '../../src/config/load.ts';

for (const [path, text] of documents()) {
  test(`${path} says what the schema says (npm run docs)`, () => {
    assert.equal(readFileSync(path, 'utf8'), text);
  });
}

test('every key is described, in a sentence', () => {
  const bare = (entries: readonly KeyEntry[]): string[] =>
    entries.flatMap(({ key, description, keys }) => [...(/\.$/.test(description) ? [] : [key]), ...bare(keys)]);
  assert.deepEqual(bare(keyEntries()), []);
});

test("the forerunner's names lead to keys that exist", () => {
  for (const { option, key } of forerunnersOptions) {
    const steps = key.split('.');
    assert.ok(keysAt(steps.slice(0, -1)).includes(steps.at(-1) ?? ''), `${option}: ${key}`);
  }
});

test('the example is right for an editor, which knows only the JSON Schema and the types of YAML', () => {
  const schema = JSON.parse(readFileSync('docs/milter-greylist.schema.json', 'utf8')) as z.core.JSONSchema.JSONSchema;
  const editor = z.fromJSONSchema(schema);
  const example: unknown = parse(readFileSync('examples/milter-greylist.yaml', 'utf8'));
  assert.deepEqual(editor.safeParse(example).error?.issues ?? [], []);
  assert.equal(editor.safeParse({ colour: 'red' }).success, false);
  assert.equal(editor.safeParse({ greylist: { delay: 300, lifetime: '36d' }, socketMode: 660 }).success, true);
});

test('every configuration in the documents is right', () => {
  const files = globSync(['*.md', 'docs/*.md']);
  const blocks = files.flatMap(file => {
    const before = readFileSync(file, 'utf8').split('```yaml\n');
    return before.slice(1).map((rest, index) => ({
      // As many lines in front as there are in the document, so that an error names the line there.
      text: `${'\n'.repeat(
        before
          .slice(0, index + 1)
          .join('\n')
          .split('\n').length,
      )}${rest.split('```')[0]}`,
      file,
    }));
  });
  assert.ok(blocks.length > 10);
  for (const block of blocks) assert.doesNotThrow(() => parseConfig(block));
});
