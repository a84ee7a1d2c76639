/**
 * The subcommand `explain`: what the daemon would say to a mail now, and why, without changing anything; or, with `--id`, why it
 * said what it did.
 */
import { Command, Option } from 'commander';
import { systemClock, systemTimers } from '../clock.ts';
import { addDaemonOptions, loadWithLists } from '../config/command-line.ts';
import type { Config } from '../config/config.ts';
import { parseOption, UsageError } from '../config/usage-error.ts';
import { maskKeys } from '../dnsbl/secret-key.ts';
import { keyMask, zoneList } from '../dnsbl/zone-list.ts';
import { escapeJson } from '../log/escape.ts';
import type { Address } from '../net/address.ts';
import type { Envelope } from '../policy/envelope.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { explanationText, recordText } from './explain-text.ts';
import { clientAddress, withoutBrackets } from './mail-values.ts';
import { logTo, type Output } from './output.ts';

interface Values {
  readonly id?: string;
  readonly ip?: Address;
  readonly clientName?: string;
  readonly helo?: string;
  readonly auth?: string;
  readonly from?: string;
  readonly to?: string;
  readonly macro?: ReadonlyMap<string, string>;
  readonly json?: boolean;
}

/** What says of which mail to tell; beside an id there is nothing more to say. */
const ofMail: readonly (keyof Values)[] = ['ip', 'clientName', 'helo', 'auth', 'from', 'to', 'macro'];

export function explainCommand(output: Output): Command {
  const option = <T>(flags: string, description: string, parse: (value: string, before: T | undefined) => T): Option =>
    new Option(flags, description).argParser((value, before: T | undefined) =>
      parseOption(flags, value, text => parse(text, before)),
    );
  const command = new Command('explain')
    .summary('tell what would be said to a mail, and why; or why it was said')
    .description(
      'Asks every check about a mail, as the daemon would with this configuration and its database, and tells what each looked at and said, and the reply. Nothing is changed. With --id: the decision of the daemon that has this id in its log or reply, as it was written down.',
    )
    .usage(
      '--ip <address> --from <address> --to <address> [options]\n       milter-greylist explain --id <id> [options]',
    )
    .optionsGroup('The mail:')
    .addOption(option('--ip <address>', 'address of the client', clientAddress))
    .option('--client-name <name>', "the client's name as the mail server verified it (default: none)")
    .option('--helo <name>', 'what the client calls itself (default: its address)')
    .option('--auth <user>', 'the user that the client has logged in as')
    .addOption(option('--from <address>', "sender; '' or '<>' for a bounce", withoutBrackets))
    .addOption(option('--to <address>', 'recipient', withoutBrackets))
    .addOption(option('--macro <name=value>', 'what the mail server tells beside; may repeat', addMacro))
    .optionsGroup('Or one of the last decisions:')
    .addOption(new Option('--id <id>', 'the id in its log line').conflicts([...ofMail]))
    .optionsGroup('How it is told:')
    .option('--json', 'print JSON');
  return addDaemonOptions(command)
    .addHelpText('after', '\nExit status: 0, whatever the verdict; 69 if no decision with the id is remembered.')
    .action(async () => {
      const values = command.opts<Values>();
      const { config } = await loadWithLists(command);
      const mask = keyMask(zoneList(config.dnsbl.zones).zones);
      const text =
        values.id === undefined ? await explain(values, config, output) : await recall(values.id, values, config);
      output.out(maskKeys(mask(text)));
    });
}

async function explain(values: Values, config: Config, output: Output): Promise<string> {
  const envelope = envelopeOf(values);
  const { openExplainer } = await import('../daemon.ts');
  const deps = { clock: systemClock, timers: systemTimers, logger: logTo(output) };
  const explainer = await openExplainer(config, deps);
  try {
    const { database } = explainer;
    const explanation = await explainer.explain(envelope);
    if (values.json) return `${escapeJson(JSON.stringify({ database: database ?? null, ...explanation }))}\n`;
    const known = database ?? 'no database to look at: nothing is known of any client';
    return `database  ${known}\n${explanationText(envelope, explanation)}`;
  } finally {
    await explainer.close();
  }
}

async function recall(id: string, { json = false }: Values, config: Config): Promise<string> {
  const { findDecision } = await import('../daemon.ts');
  const { database, record } = await findDecision(config, id);
  if (record === undefined) {
    const why =
      database === undefined
        ? 'there is no database, expected that of the daemon (-c or --cachedb)'
        : `expected the id= of a log line, of the last ${config.history} decisions in ${database}`;
    throw new CliError(EXIT.unavailable, `no decision with id '${id}' is remembered: ${why}`);
  }
  return json ? `${escapeJson(JSON.stringify(record))}\n` : recordText(record);
}

function envelopeOf(values: Values): Envelope {
  const { ip: address, from: sender, to: recipient, macro: macros = new Map<string, string>() } = values;
  if (address === undefined) throw new UsageError('option --ip is missing: expected the address of a client, or --id');
  if (sender === undefined) throw new UsageError("option --from is missing: expected a sender, or '' for a bounce");
  if (recipient === undefined) throw new UsageError('option --to is missing: expected a recipient');
  const literal = address.family === 6 ? `[IPv6:${address.text}]` : `[${address.text}]`;
  const name = values.clientName ?? `[${address.text}]`;
  const daemonName = macros.get('daemon_name');
  return {
    id: 'explain.1',
    session: { id: 'explain', address, transport: 'tcp', name, daemonName },
    helo: values.helo ?? literal,
    sender,
    recipient,
    authenticated: values.auth || undefined,
    macros,
    rejectedByMta: false,
  };
}

function addMacro(value: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const [, name, text] = /^\{?(\w+)\}?=(.*)$/s.exec(value) ?? [];
  if (name === undefined || text === undefined)
    throw new RangeError(`'${value}' is not a macro with its value: expected NAME=VALUE, such as tls_version=TLSv1.3`);
  return new Map([...before, [name, text]]);
}
