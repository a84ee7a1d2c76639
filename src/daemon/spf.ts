/**
 * Brings SPF in, if it is asked for: by `spf` itself, by rules, or since it makes clients suspicious. The library behind it is
 * optional and large, so it is loaded only then.
 */
import type { Config } from '../config/config.ts';
import type { RuleBook } from '../policy/rules/rule-book.ts';
import type { MailauthSpf } from '../spf/mailauth-spf.ts';
import { SpfMissingError } from '../spf/spf.ts';

/** The keys of a configuration that need SPF results. */
export function spfUses(config: Config, rules: RuleBook): readonly string[] {
  const { when, suspicious } = config.greylist;
  const uses: string[] = [];
  if (config.spf !== 'off') uses.push('spf');
  if (rules.needs.spf) uses.push('rules');
  for (const name of ['spfSoftfail', 'spfFail'] as const) {
    const settings = suspicious[name];
    if (settings === false || (when === 'always' && settings.delay === undefined)) continue;
    uses.push(`greylist.suspicious.${name}`);
  }
  return uses;
}

/** Rejects with `SpfMissingError`. `uses` is told to whoever has to install it. */
export async function loadMailauth(
  uses: readonly string[],
  load: () => Promise<unknown> = () => import(MAILAUTH),
): Promise<MailauthSpf> {
  try {
    const { spf } = (await load()) as { readonly spf: MailauthSpf };
    return spf;
  } catch (error) {
    throw new SpfMissingError(
      `${uses.join(', ')}: SPF needs the package mailauth, which can not be loaded; expected it to be installed ` +
        'beside this program (npm install mailauth), or nothing that asks for SPF',
      { cause: error },
    );
  }
}

/** Not a constant of the import: where it is not installed, the compiler would miss it too. */
const MAILAUTH: string = 'mailauth/lib/spf/index.js';
