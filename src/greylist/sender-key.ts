/**
 * The sender's key: what stays of a sender that is made up anew for each message or each attempt, so that whoever retries
 * under another one is still recognised. `docs/greylist-key.md` is the contract, with the reasons and examples; every rule
 * here stands there, in the same order.
 *
 * Pure, and idempotent: a key's key is itself. It is never empty but for the null sender, and never has an empty local part
 * where the sender had one. What it costs is bounded, though a stranger chooses the sender: see `LONGEST`.
 */
import { domainToASCII } from 'node:url';
import { normalizeAddress } from './mail-address.ts';

/** Both as given, with angle brackets or without. */
export function senderKey(sender: string, recipient: string): string {
  const address = normalizeAddress(sender);
  const at = address.lastIndexOf('@');
  if (at === -1 || PLAIN.test(address) || UNTOUCHED.test(address)) return address;
  if (at === 0) return `@${domainKey(address.slice(1))}`;
  return `${localKey(address.slice(0, at), recipient)}@${domainKey(address.slice(at + 1))}`;
}

/** Characters of a local part that are looked into; more than any mail server sends (RFC 5321 section 4.5.3.1.1 has 64). */
const LONGEST = 512;

/** One word of letters in an ASCII domain, which is what most people have: no rule applies. */
const PLAIN = /^(?![a-f]{8,}@)[a-z]+@[!-?[-~]+$/;
/** A quoted local part, or no mailbox at all. */
const UNTOUCHED = /^"|[<>]/;
const NON_ASCII = /[^\0-\x7f]/;

/** In A-labels (RFC 5890), if it can be. */
function domainKey(domain: string): string {
  if (!NON_ASCII.test(domain)) return domain;
  return domainToASCII(domain).replace(/\.+$/, '') || domain;
}

function localKey(local: string, recipient: string): string {
  if (local.length > LONGEST) return local;
  const bare = withoutTag(local);
  const user = bare.startsWith('srs') ? (SRS0.exec(bare) ?? SRS1.exec(bare))?.groups : undefined;
  if (user === undefined) return unvaried(bare, recipient);
  const { relay, domain, name = '' } = user;
  const start = relay === undefined ? 'srs0=#=#' : `srs1=#=${relay}==#=#`;
  return `${start}=${domain}=${unvaried(withoutTag(name), recipient)}`;
}

/** Signed senders (draft-levine-smtp-batv): `prvs=TAG=local`, as some write it `prvs=local=TAG`, and `btv1==TAG==local`. */
function withoutTag(local: string): string {
  for (let rest = local; ; ) {
    const inner = rest.startsWith('prvs=') ? behindPrvs(rest.slice(5)) : BTV1.exec(rest)?.[1];
    if (inner === undefined) return rest;
    rest = inner;
  }
}

/** Where both parts look like a tag, or neither does, the tag comes first, as the draft has it. */
function behindPrvs(body: string): string | undefined {
  const first = body.indexOf('=');
  if (first === -1) return undefined;
  const last = body.lastIndexOf('=');
  const [head, tail] = [body.slice(0, first), body.slice(last + 1)];
  const [ahead, behind] = [body.slice(first + 1), body.slice(0, last)];
  const tagIsLast = looksLikeTag(tail) - looksLikeTag(head) > 0;
  return (tagIsLast ? behind || ahead : ahead || behind) || undefined;
}

function looksLikeTag(text: string): number {
  if (BATV_TAG.test(text)) return 2;
  return ANY_TAG.test(text) ? 1 : 0;
}

const BTV1 = /^btv1==[^=]+==(.+)$/s;
/** Key number, day, and six digits of a hash. */
const BATV_TAG = /^\d{4}[0-9a-f]{6}$/;
const ANY_TAG = /^[0-9a-z]{10}$/;
/** Forwarders' senders: `srs0=HASH=TIME=domain=user`, and from the second forwarder on `srs1=HASH=relay==HASH=TIME=…`. */
const SRS0 = /^srs0[=+-][^=]+=[^=]+=(?<domain>[^=]+)=(?<name>.+)$/s;
const SRS1 = /^srs1[=+-][^=]+=(?<relay>[^=]+)=[=+-][^=]+=[^=]+=(?<domain>[^=]+)=(?<name>.+)$/s;

function unvaried(local: string, recipient: string): string {
  const plus = local.indexOf('+');
  let key = plus > 0 ? local.slice(0, plus) : local;
  if (SEPARATED.test(key)) {
    key = withoutRecipient(key, normalizeAddress(recipient));
    if (BOUNCE_WORD.test(key)) key = key.replace(BOUNCE_TAIL, '$1#');
  }
  if (!VARIABLE.test(key)) return key;
  const whole = key;
  return key.replace(TOKENS, token => generalise(token, token === whole)).replace(HASHES, '#');
}

const SEPARATED = /[._=*-]/;
/** Something `generalise` may change is in it, or two marks side by side. */
const VARIABLE = /[0-9#]|[a-f]{8}/;
const BOUNCE_WORD = /bo|notice/;
const BOUNCE_TAIL = /((?<![0-9a-z#\u0080-\uffff])(?:bo|bounces?|notice-?return|notice-?reply)[._-]).+$/s;
const TOKENS = /[0-9a-z\u0080-\uffff]+/g;
const HASHES = /#(?:[._/=*~-]*#)+/g;

/** The recipient within the sender, `bounce-joe=example.org`: as address, as address back to front, or its local part. */
function withoutRecipient(local: string, recipient: string): string {
  const end = recipient.search(/[+@]/);
  if (end === -1 || end >= local.length || !local.includes(recipient.slice(0, end))) return local;
  const [, user, domain] = RECIPIENT.exec(recipient) ?? [];
  if (user === undefined || domain === undefined) return local;
  const name = user.replaceAll('.', '\\.');
  const host = domain.replaceAll('.', '[.*-]+');
  const address = `${name}[=?*~.]+${host}|${host}[=?*~.]+${name}`;
  const found = `(?<=^|[*=._-])(?:${address}|${name}(?=$|[*=._-]))|(?:${address})(?=$|[*=._-])`;
  return local.replace(new RegExp(found, 'g'), '{rcpt}');
}

/** The local part up to `+ext`, and the domain; only what can stand in a pattern as it is, once dots are seen to. */
const RECIPIENT = /^([0-9a-z](?:[0-9a-z._-]*[0-9a-z])?)(?:\+[^@]*)?@([0-9a-z](?:[0-9a-z.-]*[0-9a-z])?)$/;

/** `#` for a piece that looks like a machine's number; the piece without its long run of digits; or the piece as it is. */
function generalise(token: string, isWhole: boolean): string {
  if (NON_ASCII.test(token)) return token;
  let digits = 0;
  let hexadecimal = 0;
  let changes = 0;
  let wasDigit = token.charCodeAt(0) <= NINE;
  for (let index = 0; index < token.length; index++) {
    const code = token.charCodeAt(index);
    const isDigit = code <= NINE;
    if (isDigit) digits++;
    if (isDigit || code <= F) hexadecimal++;
    if (isDigit !== wasDigit) changes++;
    wasDigit = isDigit;
  }
  const { length } = token;
  if (digits === length) return '#';
  if (hexadecimal === length && (length >= 8 || (digits > 0 && !isWhole))) return '#';
  if (changes >= 3 && length >= 6) return '#';
  const isWordAndNumber = changes === 1 && wasDigit;
  if (digits > 0 && length >= 12 && !isWordAndNumber) return '#';
  return digits < 6 ? token : token.replace(LONG_NUMBERS, '#');
}

const NINE = 0x39;
const F = 0x66;
const LONG_NUMBERS = /\d{6,}/g;
