/**
 * Rules that can never have a say, since an earlier one ends the search wherever they hold. Earlier rules are found by what they
 * demand, so ten thousand rules are looked through in less than a second.
 */
import { contains, type Network, networkOf } from '../net/network.ts';
import type { Conditions, Rule, Values } from '../policy/rules/rule.ts';

/** The earlier rule that hides each of those that are hidden. */
export function hiddenRules(rules: readonly Rule[]): ReadonlyMap<Rule, Rule> {
  const hidden = new Map<Rule, Rule>();
  const earlier = new Map<string, Rule[]>();
  for (const rule of rules) {
    const demands = demandsOf(rule.conditions);
    const by = hiderOf(rule, demands, earlier);
    if (by !== undefined) hidden.set(rule, by);
    else if (rule.ending !== undefined && !rule.monitor && demands.every(demand => demand !== undefined)) {
      for (const place of placesOf(rule.conditions.client)) add(earlier, keyOf(demands, place), rule);
    }
  }
  return hidden;
}

/** Behind so many rules of the same demands nobody looks any more: it is a warning, not a promise. */
const most = 100;

function add(earlier: Map<string, Rule[]>, key: string, rule: Rule): void {
  const there = earlier.get(key);
  if (there === undefined) earlier.set(key, [rule]);
  else if (there.length < most) there.push(rule);
}

function hiderOf(rule: Rule, demands: readonly (string | undefined)[], earlier: ReadonlyMap<string, readonly Rule[]>) {
  const known = demands.filter(demand => demand !== undefined);
  const places = ['', ...aroundFirst(rule.conditions.client)];
  for (const some of subsets(known)) {
    for (const place of places) {
      const found = earlier.get(keyOf(some, place))?.find(other => covers(other.conditions, rule.conditions));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function keyOf(demands: readonly (string | undefined)[], place: string): string {
  return [place, ...demands].join('\n');
}

/** What is demanded but for the client's address, as texts in one order; undefined for what has no text that tells it apart. */
function demandsOf({ client: _client, unverified: _unverified, ...conditions }: Conditions): (string | undefined)[] {
  const given = Object.entries(conditions).filter(([, condition]) => condition !== undefined);
  const inOrder = given.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return inOrder.map(([name, condition]) => (isPlain(condition) ? `${name} ${JSON.stringify(condition)}` : undefined));
}

/** Under what a rule with this client is found: each of its networks and files, or nothing in particular. */
function placesOf(client: Values<Network> | undefined): readonly string[] {
  return client === undefined ? [''] : [...client.values.map(({ text }) => text), ...client.files];
}

/** A rule that covers all of these networks and files covers the first. */
function aroundFirst(client: Values<Network> | undefined): readonly string[] {
  const [first] = client?.values ?? [];
  if (first === undefined) return (client?.files ?? []).slice(0, 1);
  return Array.from({ length: first.prefix + 1 }, (_, shorter) => networkOf(first.base, first.prefix - shorter).text);
}

function subsets(items: readonly string[]): readonly (readonly string[])[] {
  const all: (readonly string[])[] = [[]];
  for (const item of items) for (const some of [...all]) all.push([...some, item]);
  return all;
}

/** Whether the first conditions hold wherever the others do, given that they demand nothing else but the client's address. */
function covers(wide: Conditions, narrow: Conditions): boolean {
  if (narrow.unverified === true && wide.name !== undefined && wide.unverified !== true) return false;
  if (wide.client === undefined) return true;
  return narrow.client !== undefined && coversNetworks(wide.client, narrow.client);
}

function coversNetworks(wide: Values<Network>, narrow: Values<Network>): boolean {
  if (narrow.files.some(file => !wide.files.includes(file))) return false;
  return narrow.values.every(({ base, prefix }) =>
    wide.values.some(network => network.prefix <= prefix && contains(network, base)),
  );
}

/** Whether it has no regular expressions, which look alike when written as JSON. */
function isPlain(condition: unknown): boolean {
  if (typeof condition !== 'object' || condition === null) return true;
  const proto: unknown = Object.getPrototypeOf(condition);
  return (
    (proto === Object.prototype || proto === null || Array.isArray(condition)) &&
    Object.values(condition).every(isPlain)
  );
}
