/**
 * Keys in zone names. Paid and registered services give each user a zone of their own, `KEY.zen.dq.spamhaus.net`: whoever
 * reads the key can use up the quota, so it may stand in a query and nowhere else.
 */

/** Services whose zones are `KEY.LIST.SERVICE`, and the part of the name by which a mistyped one is still known. */
const keyedServices = [
  { domain: 'dq.spamhaus.net', stem: 'dq.spamhaus' },
  { domain: 'mail.abusix.zone', stem: 'mail.abusix' },
] as const;
/** What a key of these services looks like. */
const wellFormedKey = /^[a-z0-9]{8,63}$/;
/** A label that is so long and mixed that it can only be a key, wherever it stands. */
const keyLike = /^(?=[a-z0-9]*[a-z])(?=[a-z0-9]*[0-9])[a-z0-9]{20,63}$/i;
const mask = '***';

/** The zone's name without a key, or what is wrong with the key's place. `domain` is in lower case. */
export function withoutKey(domain: string): { readonly name: string } | { readonly problem: string } {
  const service = keyedServices.find(({ stem }) => `.${domain}`.includes(`.${stem}`));
  if (service) {
    const labels = domain.split('.');
    if (labels.length !== 5 || !domain.endsWith(`.${service.domain}`))
      return { problem: `expected KEY.LIST.${service.domain}` };
    if (!wellFormedKey.test(labels[0] ?? ''))
      return { problem: 'the key in front must be 8 to 63 lower-case letters and digits' };
    return { name: `${labels[1]}.${service.domain}` };
  }
  const labels = domain.split('.');
  return { name: labels.filter(label => !keyLike.test(label)).join('.') };
}

/** Any text, also one that is no zone at all, with everything masked that may be a key. */
export function maskKeys(text: string): string {
  let masked = text;
  for (const { stem } of keyedServices) {
    const name = stem.replaceAll('.', '\\.');
    // Each looks back to begin only where a word or label does: else a long text takes quadratic time.
    masked = masked.replace(new RegExp(`(?<![^\\s"])[^\\s"]*\\.(?=[^\\s".]+\\.${name})`, 'gi'), `${mask}.`);
    masked = masked.replace(new RegExp(`(?<![^\\s".*])[^\\s".*]{8,}\\.(?=${name})`, 'gi'), `${mask}.`);
  }
  return masked.replace(/[a-z0-9]{20,}/gi, word => (keyLike.test(word) || word.length > 63 ? mask : word));
}
