/**
 * The configuration in force as a file would say it: what is written, and the defaults for the rest.
 */
import { Document } from 'yaml';
import { maskKeys } from '../dnsbl/secret-key.ts';
import { keyMask, zoneList } from '../dnsbl/zone-list.ts';
import { DEFAULTS } from './config.ts';
import { type KeyEntry, keyEntries } from './keys.ts';
import type { Loaded } from './load.ts';

type Tree = { [key: string]: unknown };

/** YAML, keys in zone names masked; with `changed` only what differs from the defaults. Empty if nothing does. */
export function showConfig({ config, written }: Loaded, { changed }: { readonly changed: boolean }): string {
  const tree = collect(keyEntries(), written, config, DEFAULTS, changed);
  if (Object.keys(tree).length === 0) return '';
  const text = new Document(tree, { schema: 'failsafe' }).toString({ lineWidth: 0 });
  // Keys of a known form become ***; the domain of a zone with a name of its own becomes that name.
  return keyMask(zoneList(config.dnsbl.zones).zones)(maskKeys(text));
}

function collect(
  entries: readonly KeyEntry[],
  written: unknown,
  value: unknown,
  standard: unknown,
  changed: boolean,
): Tree {
  const tree: Tree = {};
  for (const entry of entries) {
    const name = entry.key.slice(entry.key.lastIndexOf('.') + 1);
    const [said, now, usual] = [written, value, standard].map(around => (around as Tree | undefined | null)?.[name]);
    if (changed && JSON.stringify(now) === JSON.stringify(usual)) continue;
    const isSection = entry.keys.length > 0 && isObject(now) && (said === undefined || said === null || isObject(said));
    if (!isSection) {
      const shown = said ?? entry.standard;
      if (shown !== undefined) tree[name] = plain(shown);
      continue;
    }
    const below = collect(entry.keys, said, now, isObject(usual) ? usual : {}, changed);
    if (Object.keys(below).length > 0) tree[name] = below;
    // Turned on by one word, with nothing to say besides.
    else if (typeof entry.standard === 'string') tree[name] = 'true';
  }
  return tree;
}

function isObject(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** With ordinary objects, which the YAML library expects. */
function plain(value: unknown): unknown {
  return structuredClone(value);
}
