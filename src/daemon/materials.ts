/**
 * Materials: all that a configuration names, read and compiled. Whatever can be wrong with a configuration is found here, before
 * anything of it is put in force.
 */
import type { Config } from '../config/config.ts';
import { resolverServers } from '../dns/open-resolver.ts';
import type { ServerAddress } from '../dns/servers.ts';
import { checkBlocklists } from '../dnsbl/blocklists.ts';
import { checkTiming } from '../greylist/timing.ts';
import { type AddressList, loadAddressLists } from '../lists/address-list.ts';
import { compileReplies, type Replies } from '../policy/replies.ts';

/** What a configuration is worked out to; swapped as a whole. */
export interface Materials {
  readonly config: Config;
  readonly lists: Readonly<Record<'whitelist' | 'blacklist', AddressList>>;
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
  const lists = await loadAddressLists({ whitelist: config.whitelist.files, blacklist: config.blacklist.files });
  return { config, lists, replies, servers };
}
