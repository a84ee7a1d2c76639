/**
 * Compiles rules: conditions to tests, endings to what is said. Whatever can be wrong with rules is found here or before.
 */
import type { ListFiles, ListRequest, PatternKind } from '../../lists/list-files.ts';
import type { Pattern } from '../../lists/pattern.ts';
import { PatternTable } from '../../lists/pattern-table.ts';
import type { Subject } from '../../lists/subject.ts';
import type { Network } from '../../net/network.ts';
import { PrefixTable } from '../../net/prefix-table.ts';
import type { Question } from '../question.ts';
import { compileAction } from './action.ts';
import { anchorsOf } from './anchor.ts';
import { conditionsOf, needsOf } from './needs.ts';
import type { Conditions, Rule, TlsCondition, Values } from './rule.ts';
import { type CompiledRule, RuleBook } from './rule-book.ts';
import { RuleIndex } from './rule-index.ts';
import {
  authTest,
  clientTest,
  costOf,
  dnsblTest,
  macroNumberTest,
  macroTest,
  macroValueTest,
  nameTest,
  patternTest,
  spfTest,
  type Tables,
  timeTest,
} from './tests.ts';
import { allOf, noneOf, type Test } from './truth.ts';

/** The files that these rules name. */
export function ruleFiles(rules: readonly Rule[]): readonly ListRequest[] {
  return rules.flatMap(({ conditions }) => filesOf(conditions));
}

/** @throws TemplateError */
export function compileRules(rules: readonly Rule[], files: ListFiles): RuleBook {
  const anchors = anchorsOf(rules, files);
  const compiled = rules.map((rule, index): CompiledRule => {
    return {
      test: compileConditions(rule.conditions, files, rule.ending?.action === 'reject'),
      action: compileAction(rule),
      monitor: rule.monitor,
      byClient: anchors[index]?.kind === 'client',
    };
  });
  return new RuleBook({
    rules: compiled,
    index: new RuleIndex(anchors),
    needs: needsOf(rules),
    names: namesOf(rules, files),
  });
}

/** The names that may have to be confirmed. */
function namesOf(rules: readonly Rule[], files: ListFiles): Tables {
  const asked = conditionsOf(rules).flatMap(({ name, unverified }) => (name && unverified !== true ? [name] : []));
  const together = {
    values: asked.flatMap(({ values }) => values),
    files: [...new Set(asked.flatMap(each => each.files))],
  };
  return tables('name', together, files);
}

/**
 * @param refuses whether the rule would refuse for them. Then what nobody has looked up counts as not found out below `not`, since
 * nobody is to be refused for want of it
 * @param below whether these stand below `not`
 */
export function compileConditions(conditions: Conditions, files: ListFiles, refuses = false, below = false): Test {
  const { client, name, unverified = false, helo, sender, recipient, auth, tls, spf, dnsbl, macro, time } = conditions;
  const tests: Test[] = [];
  const careful = refuses && below;
  const compare = (
    kind: PatternKind,
    values: Values<Pattern> | undefined,
    part: (q: Question) => Subject | undefined,
  ) => {
    if (values) tests.push(patternTest(expense(values), tables(kind, values, files), part));
  };
  if (client) tests.push(clientTest(networks(client, files)));
  if (name) tests.push(nameTest(tables('name', name, files), unverified, careful));
  compare('helo', helo, question => question.helo);
  compare('mail', sender, question => question.sender);
  compare('mail', recipient, question => question.recipient);
  if (typeof auth === 'boolean') tests.push(authTest(auth));
  else compare('word', auth, question => question.user);
  if (typeof tls === 'boolean') tests.push(macroTest('tls_version', tls));
  else if (tls) tests.push(...tlsTests(tls, files));
  for (const [macroName, wanted] of Object.entries(macro ?? {})) tests.push(wantedMacro(macroName, wanted, files));
  if (time) tests.push(timeTest(time));
  if (spf) tests.push(spfTest(spf, careful));
  if (dnsbl) tests.push(dnsblTest(dnsbl, careful));
  for (const each of conditions.not ?? []) tests.push(noneOf(compileConditions(each, files, refuses, true)));
  return allOf(tests);
}

function tlsTests({ version, cipher, bits, subject, issuer }: TlsCondition, files: ListFiles): readonly Test[] {
  const values = { tls_version: version, cipher, cert_subject: subject, cert_issuer: issuer };
  const tests = [macroTest('tls_version', true)];
  for (const [name, wanted] of Object.entries(values)) if (wanted) tests.push(wantedMacro(name, wanted, files));
  if (bits !== undefined) tests.push(macroNumberTest('cipher_bits', bits));
  return tests;
}

function wantedMacro(name: string, wanted: boolean | Values<Pattern>, files: ListFiles): Test {
  return typeof wanted === 'boolean' ? macroTest(name, wanted) : macroValueTest(name, tables('word', wanted, files));
}

function networks({ values, files: names }: Values<Network>, files: ListFiles): readonly PrefixTable<string>[] {
  const own = new PrefixTable<string>();
  for (const network of values) own.add(network, network.text);
  return [...(own.size > 0 ? [own] : []), ...names.map(file => files.networks(file))];
}

function tables(kind: PatternKind, { values, files: names }: Values<Pattern>, files: ListFiles): Tables {
  const own = new PatternTable<true>();
  for (const pattern of values) own.add(pattern, true);
  return [...(own.size > 0 ? [own] : []), ...names.map(file => files.patterns(kind, file))];
}

function expense({ values, files }: Values<Pattern>): 0 | 1 {
  return files.length > 0 ? 1 : costOf(values);
}

function filesOf(conditions: Conditions): readonly ListRequest[] {
  const { client, name, helo, sender, recipient, auth, tls, macro } = conditions;
  const words = [
    typeof auth === 'object' ? auth : undefined,
    ...(typeof tls === 'object' ? [tls.version, tls.cipher, tls.subject, tls.issuer] : []),
    ...Object.values(macro ?? {}).map(value => (typeof value === 'object' ? value : undefined)),
  ];
  return [
    ...requests('client', [client]),
    ...requests('name', [name]),
    ...requests('helo', [helo]),
    ...requests('mail', [sender, recipient]),
    ...requests('word', words),
    ...(conditions.not ?? []).flatMap(filesOf),
  ];
}

function requests(kind: ListRequest['kind'], values: readonly (Values<unknown> | undefined)[]): readonly ListRequest[] {
  return values.flatMap(each => (each?.files ?? []).map(file => ({ kind, file })));
}
