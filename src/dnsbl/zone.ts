/**
 * A zone: one DNSBL as configured. Its domain may hold a key, so the domain is private and leaves only as part of a query
 * name; everything that is shown uses `name`.
 */
import { type Filter, parseFilter } from './filter.ts';
import { maskKeys, withoutKey } from './secret-key.ts';
import { ZoneError } from './zone-error.ts';

/** One filter with its weight; an answer that passes counts the weight once. No filter: every answer of the list counts. */
export interface Rule {
  readonly filter: Filter | undefined;
  readonly weight: number;
}

/** What a rejected client of a zone is told; a template, see `policy/reply-text.ts`. */
export interface ZoneReply {
  readonly code: number;
  readonly enhanced: string;
  readonly message: string;
}

/** A zone as a user of the library writes it. A string is the short form of `{ zone: string }`. */
export interface ZoneOptions {
  /** `domain[!][=pattern or &mask][*weight]`, as in Postfix's postscreen_dnsbl_sites; `!` asks it even if it is known to be dead. */
  readonly zone: string;
  /** More filters, `pattern or &mask`, each with its own `*weight` if need be. */
  readonly filters?: readonly string[];
  /** What one listing weighs under a score policy, for filters that don't say; negative for allow lists. Default 1. */
  readonly weight?: number;
  /** The text of a reject. Default `Rejected. Address {ADDR} found in {DNSBL}`. */
  readonly message?: string;
  /** SMTP code of a reject, 400 to 599. Default 550. */
  readonly code?: number;
  /** Enhanced status code (RFC 3463) of the same class. Default 5.7.1, or 4.7.1 with a 4xx code. */
  readonly enhanced?: string;
  /**
   * Whether it lists IPv6 addresses: `false` and it has no say on them, `true` and a missing IPv6 test entry is a fault.
   * Default: it is asked, and its IPv6 test entry may be missing as long as it passes its IPv4 test.
   */
  readonly ipv6?: boolean;
  /** The name to show in place of the domain. Default: the domain without key. */
  readonly publicName?: string;
  /** `false` for a list without the test entries of RFC 5782 §5. Default true. */
  readonly selfTest?: boolean;
  /** Asked even if it is known to be dead, as with `!` in the specification. */
  readonly force?: boolean;
}

const specShape = /^(?<domain>[^=*&!]*)(?<early>!?)(?<filter>=[^*!]*|&[^*!]*)?(?:\*(?<weight>[^!]*))?(?<late>!?)$/;
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
/** 253 characters less the 64 that 32 nibbles and their dots take. */
const longestDomain = 189;
const defaultMessage = 'Rejected. Address {ADDR} found in {DNSBL}';

export class Zone {
  /** What may be shown: public name, or the domain without key. */
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly reply: ZoneReply;
  /** Whether it is eligible for IPv6 clients; `auto`: yes, and its IPv6 test entry may be missing. */
  readonly ipv6: boolean | 'auto';
  readonly selfTest: boolean;
  /** Asked even if it is known to be dead. */
  readonly forced: boolean;
  readonly #domain: string;

  private constructor(domain: string, fields: Omit<Zone, 'queryName' | 'isBelow' | 'sameList' | 'merge' | 'mask'>) {
    this.#domain = domain;
    this.name = fields.name;
    this.rules = fields.rules;
    this.reply = fields.reply;
    this.ipv6 = fields.ipv6;
    this.selfTest = fields.selfTest;
    this.forced = fields.forced;
  }

  /** Parses one zone. Throws `ZoneError`. */
  static parse(options: string | ZoneOptions): Zone {
    const given = typeof options === 'string' ? { zone: options } : options;
    const where = `zone "${given.publicName ?? maskKeys(given.zone)}"`;
    const problem = (what: string): ZoneError => new ZoneError(`${where}: ${what}`);
    const parts = specShape.exec(given.zone.trim())?.groups;
    if (!parts || (parts.early && parts.late))
      throw problem('expected domain[=filter][*weight], like zen.spamhaus.org=127.0.0.[2..11]*2');
    const domain = (parts.domain ?? '').toLowerCase().replace(/\.$/, '');
    const keyless = publicName(domain, problem);
    const name = given.publicName ?? keyless;
    checkDomain(domain, problem);
    if (!/^[\x21-\x7e]{1,189}$/.test(name)) throw problem('a public name is printable ASCII without spaces');
    const weight = given.weight ?? 1;
    checkWeight(weight, problem);
    const filters = (given.filters ?? []).map(text => parseRule(text, weight, where, problem));
    if (parts.filter !== undefined || parts.weight !== undefined || filters.length === 0)
      filters.unshift(parseRule(specRule(parts), weight, where, problem));
    return new Zone(domain, {
      name,
      rules: distinct(filters, problem),
      reply: checkReply(given, problem),
      ipv6: given.ipv6 ?? 'auto',
      selfTest: given.selfTest ?? true,
      forced: given.force === true || parts.early === '!' || parts.late === '!',
    });
  }

  /** The name to ask for an address; `reversed` comes from `reversedLabels`. It may hold a key: never show it. */
  queryName(reversed: string): string {
    return `${reversed}.${this.#domain}`;
  }

  /** Whether this list's domain is `suffix`, or below it. */
  isBelow(suffix: string): boolean {
    return this.#domain === suffix || this.#domain.endsWith(`.${suffix}`);
  }

  /** Whether both ask the same list, so that one query serves both. */
  sameList(other: Zone): boolean {
    return this.#domain === other.#domain;
  }

  /** One zone with the filters of both. Throws `ZoneError` where they contradict each other. */
  merge(other: Zone): Zone {
    const problem = (what: string): ZoneError => new ZoneError(`zone "${this.name}": given several times, ${what}`);
    for (const field of ['name', 'ipv6', 'selfTest', 'forced'] as const)
      if (this[field] !== other[field]) throw problem(`with different ${field}`);
    for (const field of ['code', 'enhanced', 'message'] as const)
      if (this.reply[field] !== other.reply[field]) throw problem(`with different ${field}`);
    return new Zone(this.#domain, { ...this, rules: distinct([...this.rules, ...other.rules], problem) });
  }

  /** A text from elsewhere, such as a resolver's, with this zone's domain replaced by its public name. */
  mask(text: string): string {
    if (this.name === this.#domain) return text;
    const domain = this.#domain.replace(/[.\\]/g, '\\$&');
    return maskKeys(text.replace(new RegExp(domain, 'gi'), () => this.name));
  }
}

function publicName(domain: string, problem: (what: string) => ZoneError): string {
  const shown = withoutKey(domain);
  if ('problem' in shown) throw problem(shown.problem);
  return shown.name;
}

function checkDomain(domain: string, problem: (what: string) => ZoneError): void {
  const labels = domain.split('.');
  if (labels.length < 2) throw problem('expected a domain of at least two labels, like bl.example.org');
  if (!labels.every(part => label.test(part)))
    throw problem('a domain has labels of letters, digits, hyphens and underscores, joined by dots');
  if (domain.length > longestDomain) throw problem(`the domain is longer than ${longestDomain} characters`);
}

/** The filter and weight of a specification, in the form of an element of `filters`. */
function specRule(parts: Readonly<Record<string, string | undefined>>): string {
  const filter = parts.filter?.startsWith('=') ? parts.filter.slice(1) : (parts.filter ?? '*');
  return parts.weight === undefined ? filter : `${filter}*${parts.weight}`;
}

/** `filter`, `filter*weight`, and `*` in place of a filter for every answer. */
function parseRule(text: string, weight: number, where: string, problem: (what: string) => ZoneError): Rule {
  const star = text.indexOf('*', 1);
  const pattern = star < 0 ? text : text.slice(0, star);
  const own = star < 0 ? undefined : text.slice(star + 1);
  if (own !== undefined && !/^-?\d{1,6}$/.test(own))
    throw problem(`weight "${maskKeys(own)}" is not a whole number like 2 or -3`);
  if (own !== undefined) checkWeight(Number(own), problem);
  return {
    filter: pattern === '*' ? undefined : parseFilter(pattern, where),
    weight: own === undefined ? weight : Number(own),
  };
}

function checkWeight(weight: number, problem: (what: string) => ZoneError): void {
  if (!Number.isSafeInteger(weight)) throw problem(`weight ${weight} is not a whole number`);
  if (weight === 0) throw problem('a weight of 0 would never count');
}

function checkReply(given: ZoneOptions, problem: (what: string) => ZoneError): ZoneReply {
  const code = given.code ?? 550;
  if (!Number.isInteger(code) || code < 400 || code > 599) throw problem(`code ${code} is not from 400 to 599`);
  const enhanced = given.enhanced ?? (code < 500 ? '4.7.1' : '5.7.1');
  if (!/^[45]\.\d{1,3}\.\d{1,3}$/.test(enhanced) || enhanced[0] !== String(code)[0])
    throw problem(`enhanced code "${enhanced}" is not of the form ${String(code)[0]}.n.n, as code ${code} demands`);
  return { code, enhanced, message: given.message ?? defaultMessage };
}

/** The rules, if no two have the same filter. */
function distinct(rules: readonly Rule[], problem: (what: string) => ZoneError): readonly Rule[] {
  const seen = new Set<string>();
  for (const { filter } of rules) {
    const text = filter?.text ?? '';
    if (seen.has(text)) throw problem(filter ? `filter "${text}" twice` : 'twice without a filter');
    seen.add(text);
  }
  return rules;
}
