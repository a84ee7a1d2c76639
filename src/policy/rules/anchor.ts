/**
 * Anchors: the condition of a rule by which it is found. Of all conditions that name exact values, and nothing else, the one
 * whose values fewest other rules name; so a thousand rules for one recipient are found by their clients or senders. A rule
 * without any such condition is looked at for every recipient.
 */
import type { ListFiles } from '../../lists/list-files.ts';
import type { Pattern } from '../../lists/pattern.ts';
import type { Network } from '../../net/network.ts';
import type { Conditions, Rule, Values } from './rule.ts';

const anchorKinds = ['client', 'sender', 'recipient', 'name', 'helo', 'auth'] as const;
type AnchorKind = (typeof anchorKinds)[number];

export type Anchor =
  | { readonly kind: 'client'; readonly networks: readonly Network[] }
  | { readonly kind: Exclude<AnchorKind, 'client'>; readonly keys: readonly string[] };

/** A longer file is looked up as a whole: to find its rules by each line would cost memory and save nothing. */
const longestFile = 1_000;

/** The anchor of each rule. */
export function anchorsOf(rules: readonly Rule[], files: ListFiles): readonly (Anchor | undefined)[] {
  const choices = rules.map(({ conditions }) => choicesOf(conditions, files));
  const counts = new Map<string, number>();
  for (const anchor of choices.flat()) for (const id of idsOf(anchor)) counts.set(id, (counts.get(id) ?? 0) + 1);
  const crowd = (anchor: Anchor): number => {
    let most = 0;
    for (const id of idsOf(anchor)) most = Math.max(most, counts.get(id) ?? 0);
    return most;
  };
  return choices.map(anchors => {
    let best: Anchor | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const anchor of anchors) {
      const others = crowd(anchor);
      if (others < least) [best, least] = [anchor, others];
    }
    return best;
  });
}

function choicesOf(conditions: Conditions, files: ListFiles): readonly Anchor[] {
  const anchors: Anchor[] = [];
  const networks = conditions.client && networksOf(conditions.client, files);
  if (networks !== undefined) anchors.push({ kind: 'client', networks });
  const { auth } = conditions;
  const lists = { ...conditions, auth: typeof auth === 'object' ? auth : undefined };
  for (const kind of anchorKinds) {
    if (kind === 'client') continue;
    const values = lists[kind];
    const keys = values && keysOf(kind, values, files);
    if (keys !== undefined) anchors.push({ kind, keys });
  }
  return anchors;
}

function networksOf({ values, files: names }: Values<Network>, files: ListFiles): readonly Network[] | undefined {
  const networks = [...values];
  for (const file of names) {
    const items = files.items('client', file);
    if (items.length > longestFile) return undefined;
    for (const { value } of items) networks.push(value);
  }
  return networks;
}

const listKinds = { sender: 'mail', recipient: 'mail', name: 'name', helo: 'helo', auth: 'word' } as const;

function keysOf(
  kind: Exclude<AnchorKind, 'client'>,
  { values, files: names }: Values<Pattern>,
  files: ListFiles,
): readonly string[] | undefined {
  const patterns = [...values];
  for (const file of names) {
    const items = files.items(listKinds[kind], file);
    if (items.length > longestFile) return undefined;
    for (const { value } of items) patterns.push(value);
  }
  return patterns.every(pattern => typeof pattern === 'string') ? patterns : undefined;
}

function* idsOf(anchor: Anchor): Generator<string, void, undefined> {
  if (anchor.kind === 'client') for (const { text } of anchor.networks) yield `client ${text}`;
  else for (const key of anchor.keys) yield `${anchor.kind} ${key}`;
}
