/**
 * Materials: all that a configuration names, read and compiled. Whatever can be wrong with a configuration is found here, before
 * anything of it is put in force.
 */
import type { Config, ListConfig } from '../config/config.ts';
import { resolverServers } from '../dns/open-resolver.ts';
import type { ServerAddress } from '../dns/servers.ts';
import { checkBlocklists } from '../dnsbl/blocklists.ts';
import { checkTiming } from '../greylist/timing.ts';
import { ListFiles } from '../lists/list-files.ts';
import { AccessList, type ListEntries, listedFiles } from '../policy/access-list.ts';
import { OptList, optFiles } from '../policy/opt.ts';
import { compileReplies, type Replies } from '../policy/replies.ts';
import { compileRules, ruleFiles } from '../policy/rules/compile.ts';
import { macrosOf as ruleMacros } from '../policy/rules/needs.ts';
import type { RuleBook } from '../policy/rules/rule-book.ts';
import type { MailauthSpf } from '../spf/mailauth-spf.ts';
import { loadMailauth, spfUses } from './spf.ts';

/** What a configuration is worked out to; swapped as a whole. */
export interface Materials {
  readonly config: Config;
  readonly rules: RuleBook;
  /** Macros that the rules look at, beside those that are always asked for. */
  readonly macros: readonly string[];
  readonly whitelist: AccessList;
  readonly blacklist: AccessList;
  /** Whom the greylist is for, if not for all. */
  readonly opt: { readonly side: 'in' | 'out'; readonly list: OptList } | undefined;
  /** Undefined if nothing asks for SPF. */
  readonly spf: MailauthSpf | undefined;
  readonly replies: Replies;
  /** The DNS servers to ask; read afresh from the system if none are configured. */
  readonly servers: readonly ServerAddress[];
}

/** Reads and checks all that a configuration names. Rejects if anything is wrong with it; touches nothing that is in force. */
export async function readMaterials(config: Config): Promise<Materials> {
  checkTiming(config.greylist);
  checkBlocklists(config.dnsbl);
  const replies = compileReplies(config.replies);
  const servers = resolverServers(config.dns.resolvers);
  const [white, black] = [entriesOf(config.whitelist), entriesOf(config.blacklist)];
  const opting = config.optIn ?? config.optOut;
  const files = await ListFiles.load([
    ...ruleFiles(config.rules),
    ...listedFiles(white),
    ...listedFiles(black),
    ...(opting ? optFiles(opting) : []),
  ]);
  const rules = compileRules(config.rules, files);
  const uses = spfUses(config, rules);
  return {
    config,
    rules,
    macros: macrosOf(config),
    whitelist: new AccessList('whitelist', white, files),
    blacklist: new AccessList('blacklist', black, files),
    opt: opting && { side: config.optIn ? 'in' : 'out', list: new OptList(opting, files) },
    spf: uses.length > 0 ? await loadMailauth(uses) : undefined,
    replies,
    servers,
  };
}

/** The files of addresses are one more way to name clients. */
function entriesOf(list: ListConfig): ListEntries {
  return { ...list, clients: { ...list.clients, files: [...list.files, ...list.clients.files] } };
}

/** Wherever a client without a name matters, the MTA has to say whether there is none or it could not find out. */
function macrosOf({ rules, whitelist, blacklist, greylist: { when, suspicious } }: Config): readonly string[] {
  const named = [whitelist, blacklist].some(
    ({ names, triples }) => names.values.length + names.files.length + triples.values.length + triples.files.length > 0,
  );
  const { noName } = suspicious;
  const suspected = noName !== false && (when === 'suspicious' || noName.delay !== undefined);
  return [...new Set([...ruleMacros(rules), ...(named || suspected ? ['client_resolve'] : [])])];
}
