/**
 * `spf`: clients that the sender's domain lets send in its name (RFC 7208). With `bypass` their mail is accepted; with `key` the
 * domain takes the network's place in the greylist's key, so that whoever it lets send may retry. What was learned under
 * such a key is of use only to messages that pass in their turn.
 *
 * Every other result is no word, and so is the pass of a domain that lets everybody send: spammers have such ones. With `off`
 * the check only begins the look-ups that others want the results of.
 */
import type { SpfFinding } from '../../spf/spf.ts';
import type { Check, Word } from '../check.ts';
import type { SpfResults } from '../spf-results.ts';
import type { Accept } from '../verdict.ts';

export type SpfMode = 'off' | 'bypass' | 'key';

const passed: Accept = { action: 'accept', reason: 'spf-pass' };

/** What takes the network's place for a message that passes; undefined if it does not, or everybody would. */
export function spfKey({ result, domain, everyone }: SpfFinding): string | undefined {
  return result !== 'pass' || everyone || domain === '' ? undefined : `spf:${domain}`;
}

export function spfCheck(results: SpfResults, mode: SpfMode): Check {
  const word = (finding: SpfFinding): Word => {
    const key = spfKey(finding);
    if (key === undefined) return undefined;
    return mode === 'bypass' ? passed : { action: 'advise', greylist: { key } };
  };
  return {
    name: 'spf',
    canAccept: mode === 'bypass',
    advisory: mode !== 'bypass',
    // The results' own limit is shorter.
    deadline: 4_000,
    settles: () => undefined,
    begin: message => results.begin(message),
    run(envelope) {
      if (mode === 'off') return undefined;
      const finding = results.of(envelope);
      if (finding === undefined) return undefined;
      return finding instanceof Promise ? finding.then(word) : word(finding);
    },
    async subject(envelope) {
      const finding = await results.of(envelope);
      if (finding === undefined) return 'nobody is asked about this client';
      const { result, domain, everyone } = finding;
      return `${result} of ${domain || 'no domain'}${everyone ? ', which lets everybody send' : ''}`;
    },
    logFields: session => ({ spf: results.latest(session) }),
  };
}
