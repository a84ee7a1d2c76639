/**
 * The subcommand `dnsbl` as commander knows it; what it does is in `dnsbl.ts`.
 */
import { Command } from 'commander';
import { systemClock, systemTimers } from '../clock.ts';
import { addConfigOption, addDnsblOptions, loadWithLists } from '../config/command-line.ts';
import { parseOption, UsageError } from '../config/usage-error.ts';
import { maskKeys } from '../dnsbl/secret-key.ts';
import { keyMask, zoneList } from '../dnsbl/zone-list.ts';
import { dnsblCheckUp, dnsblLookup } from './dnsbl.ts';
import { clientAddress } from './mail-values.ts';
import { logTo, type Output } from './output.ts';

/** `finish` is told the exit code: 0, or with `--check` 69 unless everything can be used. */
export function dnsblCommand(output: Output, finish: (code: number) => void): Command {
  const command = new Command('dnsbl')
    .summary('ask the blocklists about addresses, or check the lists')
    .description(
      'Asks the blocklists about addresses, as the daemon would, and prints what each says; or, with --check, whether the lists and the resolver can be used.',
    )
    .usage('-a <zone> <address...>\n       milter-greylist dnsbl -a <zone> --check')
    .argument('[address...]', 'addresses to ask about')
    .option('--check', 'check each zone and the resolver')
    .option('--json', 'print JSON');
  return addDnsblOptions(addConfigOption(command)).action(async (texts: readonly string[]) => {
    const { check = false, json = false } = command.opts<{ check?: boolean; json?: boolean }>();
    const { config } = await loadWithLists(command);
    const { zones, policy } = config.dnsbl;
    const { resolvers, debugFile } = config.dns;
    if (zones.length === 0) throw new UsageError('no zone to ask: expected -a ZONE, or zones in the file of -c');
    if (check === texts.length > 0) throw new UsageError('expected either addresses or --check');
    const addresses = texts.map(text => parseOption('<address>', text, clientAddress));
    const { openResolver, resolverServers } = await import('../daemon.ts');
    const mask = keyMask(zoneList(zones).zones);
    const servers = resolverServers(resolvers);
    const clock = systemClock;
    const timers = systemTimers;
    const log = logTo(output);
    const resolver = openResolver({
      servers,
      debugFile,
      redact: text => maskKeys(mask(text)),
      clock,
      timers,
      logger: log,
    });
    try {
      const deps = { resolver, servers, clock, timers, random: Math.random, log };
      const options = { zones, policy, json };
      const { text, exitCode } = check
        ? await dnsblCheckUp(options, deps)
        : await dnsblLookup(addresses, options, deps);
      output.out(text);
      finish(exitCode);
    } finally {
      await resolver.close();
    }
  });
}
