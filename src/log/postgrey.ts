/**
 * A decision in the words of postgrey 1.37: `action=greylist, reason=new, client_name=…, client_address=…, sender=…,
 * recipient=…`, for what reads its log by pattern, such as logcheck's rules and dashboards. Empty fields are left out, as it
 * does. Values are escaped as everywhere (`escape.ts`), and since commas part the fields, commas and spaces are escaped too.
 *
 * What postgrey has no word for keeps our reason code.
 */
import type { Verdict } from '../policy/verdict.ts';
import { escapeValue, unicodeEscape, VALUE_LIMIT } from './escape.ts';

const BARE = /^[!#-+\--[\]-~]*$/;
const PARTING = /[, ]/g;

/** Postgrey's action and reason, and `delay=` if the client waited. */
export function postgreyWords(verdict: Verdict): string {
  switch (verdict.action) {
    case 'accept':
      return `action=pass, reason=${passReason(verdict.reason)}${delayOf(verdict.delayed)}`;
    case 'greylist':
      return `action=greylist, reason=${greylistReason(verdict.reason, verdict.wait)}`;
    case 'defer':
    case 'reject':
      return `action=${verdict.action}, reason=${verdict.reason}`;
  }
}

/** `, key=value`, or nothing if there is no value. */
export function postgreyField(key: string, value: string): string {
  if (value === '') return '';
  if (value.length <= VALUE_LIMIT && BARE.test(value)) return `, ${key}=${value}`;
  return `, ${key}=${escapeValue(value).replace(PARTING, unicodeEscape)}`;
}

function passReason(reason: Extract<Verdict, { action: 'accept' }>['reason']): string {
  switch (reason) {
    case 'matured':
    case 'known':
      return 'triplet found';
    case 'whitelist':
    case 'local-client':
      return 'client whitelist';
    case 'exempt':
      return 'recipient whitelist';
    default:
      return reason;
  }
}

function greylistReason(reason: Extract<Verdict, { action: 'greylist' }>['reason'], wait: number): string {
  switch (reason) {
    case 'new':
    case 'late':
    case 'expired':
    case 'crowded':
      return 'new';
    case 'early':
    case 'too-soon':
      return `early-retry (${wait}s missing)`;
    case 'another-recipient':
    case 'own-check':
    case 'fault':
      return reason;
  }
}

function delayOf(delayed: number | undefined): string {
  return delayed === undefined ? '' : `, delay=${Math.floor(delayed / 1_000)}`;
}
