/**
 * Filters: which of a list's answers count. Postfix's pattern `127.0.0.[2..11;30]` (postscreen_dnsbl_sites), and a bitmask
 * `&n` over the last octet for lists that set one bit a category.
 */
import { maskKeys } from './secret-key.ts';
import { ZoneError } from './zone-error.ts';

/** Inclusive ranges of one octet. */
type OctetSet = readonly (readonly [low: number, high: number])[];

export type Filter =
  | { readonly kind: 'pattern'; readonly octets: readonly OctetSet[]; readonly text: string }
  | { readonly kind: 'mask'; readonly mask: number; readonly text: string };

/** Four octets, each a number or `[...]`. */
const patternShape = /^(\d+|\[[^\]]*\])\.(\d+|\[[^\]]*\])\.(\d+|\[[^\]]*\])\.(\d+|\[[^\]]*\])$/;
const expected = 'expected four octets like 127.0.0.[2..11;30], or a bitmask like &2';

/** Parses `d.d.d.d` or `&n`. Throws `ZoneError`, which names `where`. */
export function parseFilter(text: string, where: string): Filter {
  const problem = (what: string): ZoneError => new ZoneError(`${where}: filter "${maskKeys(text)}": ${what}`);
  if (text.startsWith('&')) {
    const mask = /^&\d+$/.test(text) ? Number(text.slice(1)) : Number.NaN;
    if (!(mask >= 1 && mask <= 255)) throw problem('a bitmask is a number from 1 to 255');
    if (mask & 1) throw problem('bit 1 means that the list refuses to answer, it never lists');
    return { kind: 'mask', mask, text };
  }
  const shape = patternShape.exec(text);
  if (!shape) throw problem(expected);
  const octets = shape.slice(1).map(octet => parseOctet(octet, problem));
  if (!inSet(octets[0] ?? [], 127)) throw problem('lists answer in 127.0.0.0/8, so this can never match');
  return { kind: 'pattern', octets, text };
}

/** Whether an answer, four octets, counts. */
export function matches(filter: Filter, answer: readonly number[]): boolean {
  if (filter.kind === 'mask') return ((answer[3] ?? 0) & filter.mask) !== 0;
  return filter.octets.every((set, index) => inSet(set, answer[index] ?? -1));
}

function parseOctet(text: string, problem: (what: string) => ZoneError): OctetSet {
  if (!text.startsWith('[')) return [[parseNumber(text, problem), parseNumber(text, problem)]];
  return text
    .slice(1, -1)
    .split(';')
    .map(part => {
      const [low = '', high = low, ...more] = part.split('..');
      if (more.length > 0) throw problem(`"${part}" is not a number or a range n..m`);
      const range = [parseNumber(low, problem), parseNumber(high, problem)] as const;
      if (range[0] > range[1]) throw problem(`the range ${part} ends before it begins`);
      return range;
    });
}

function parseNumber(text: string, problem: (what: string) => ZoneError): number {
  if (!/^(0|[1-9]\d{0,2})$/.test(text) || Number(text) > 255) throw problem(`"${text}" is not a number from 0 to 255`);
  return Number(text);
}

function inSet(set: OctetSet, octet: number): boolean {
  return set.some(([low, high]) => octet >= low && octet <= high);
}
