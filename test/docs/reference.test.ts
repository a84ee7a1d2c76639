import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { documents } from '../../scripts/docs/reference.ts';
import { forerunnersOptions } from '../../src/config/forerunners.ts';
import { type KeyEntry, keyEntries, keysAt } from '../../src/config/keys.ts';

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
