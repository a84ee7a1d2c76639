/**
 * Settings: the same configuration as a file's, and types that know the same keys.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { Config } from '../../src/config/config.ts';
import { parseConfig, parseSettings } from '../../src/config/load.ts';
import type { LearningConfig } from '../../src/config/schema/learning.ts';
import type { ListConfig } from '../../src/config/schema/lists.ts';
import type { SuspiciousConfig } from '../../src/config/schema/suspicious.ts';
import type {
  GreylistSettings,
  LearningSettings,
  ListSettings,
  Settings,
  ZoneSettings,
} from '../../src/config/settings.ts';
import { textsOf } from '../../src/config/settings.ts';
import type { ZoneOptions } from '../../src/dnsbl/zone.ts';
import type { ReplyTemplates } from '../../src/policy/replies.ts';
import type { Conditions } from '../../src/policy/rules/rule.ts';

/** Whether two types have the same keys. */
type Alike<A, B> = [keyof A, keyof B] extends [keyof B, keyof A] ? true : false;
type Of<T, K extends keyof T> = NonNullable<T[K]>;

// Seen by the compiler: a key that the schema learns must be learned by the types too.
const alike: readonly true[] = [
  true satisfies Alike<Settings, Config>,
  true satisfies Alike<GreylistSettings, Config['greylist']>,
  true satisfies Alike<Of<GreylistSettings, 'prefix'>, Config['greylist']['prefix']>,
  true satisfies Alike<Of<GreylistSettings, 'suspicious'>, SuspiciousConfig>,
  true satisfies Alike<LearningSettings, LearningConfig>,
  true satisfies Alike<ListSettings, ListConfig>,
  true satisfies Alike<Of<Settings, 'replies'>, ReplyTemplates>,
  true satisfies Alike<Of<Settings, 'dnsbl'>, Config['dnsbl']>,
  true satisfies Alike<Of<Settings, 'dns'>, Config['dns']>,
  true satisfies Alike<Of<Settings, 'log'>, Config['log']>,
  true satisfies Alike<Omit<ZoneSettings, 'testEntries'>, Omit<ZoneOptions, 'selfTest'>>,
  true satisfies Alike<Of<NonNullable<Extract<Settings['rules'], { then: unknown }>>, 'if'>, Conditions>,
];

test('the example file as an object is the same configuration', () => {
  const text = readFileSync('examples/milter-greylist.yaml', 'utf8');
  const fromFile = parseConfig({ file: resolve('milter-greylist.yaml'), text }).config;
  // YAML's own types make decimal 660 of a mode: what the file says is what stands there.
  const fromObject = parseSettings({ ...parse(text), socketMode: 0o660 });
  const withoutPlaces = (config: Config): Config => ({
    ...config,
    rules: config.rules.map(rule => ({ ...rule, at: '' })),
  });
  assert.deepEqual(withoutPlaces(fromObject), withoutPlaces(fromFile));
  assert.deepEqual(fromObject.rules.map(({ at }) => at).slice(0, 2), ['rules[0]', 'rules[1]']);
  assert.ok(alike.every(Boolean));
});

test('numbers, booleans and modes become the texts of a file; what has no value is left out', () => {
  const made = textsOf({ a: 1.5, b: false, c: undefined, d: [null, { e: 'x' }], socketMode: 0o20, socket: 0o20 });
  assert.deepEqual(JSON.parse(JSON.stringify(made)), {
    ...{ a: '1.5', b: 'false', d: [null, { e: 'x' }], socketMode: '020', socket: '16' },
  });
  assert.equal(Object.getPrototypeOf(made), null);
});

test('what a file could not say is an error that names its key', () => {
  for (const [value, what] of [
    [new Date(0), 'date'],
    [new Map(), 'map'],
    [() => 1, 'function'],
    [1n, 'bigint'],
    [Symbol('x'), 'symbol'],
  ] as const)
    assert.throws(() => textsOf({ a: [{ b: value }] }), {
      name: 'RangeError',
      message: new RegExp(`^a\\[0\\]\\.b: ${what}: `),
    });
  assert.throws(() => textsOf(undefined), /^RangeError: undefined: expected/);
});

test('a key named like a part of every object is an unknown key', () => {
  assert.throws(
    () => parseSettings(JSON.parse('{"__proto__": {"name": "x"}}')),
    /configuration: __proto__: unknown key/,
  );
  assert.throws(() => parseSettings({ constructor: 'x' } as never), /configuration: constructor: unknown key/);
});
