/**
 * `milter-greylist probe`: asks any running milter what it would say to a mail, without a mail server; or, with `--health`,
 * only whether it is there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { DEFAULTS } from '../config/config.ts';
import { parseDuration } from '../config/duration.ts';
import { parseOption, UsageError } from '../config/usage-error.ts';
import { connectMilter, type MilterClient } from '../milter/client.ts';
import { parseListenAddress } from '../milter/listen-address.ts';
import type { Address } from '../net/address.ts';
import { describeNegotiation, playDialogue } from './dialogue.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { clientAddress, withoutBrackets } from './mail-values.ts';
import type { Output } from './output.ts';

interface ProbeOptions {
  readonly socket: string;
  readonly ip?: Address;
  readonly helo?: string;
  readonly from?: string;
  readonly to?: readonly string[];
  readonly repeat?: number;
  readonly pause?: number;
  readonly health?: boolean;
}

const DEFAULT_SOCKET = DEFAULTS.socket[0]!;
/** Milliseconds to wait for a connection or a reply; a health check is less patient. */
const PATIENCE = 30_000;
const HEALTH_PATIENCE = 5_000;

/** The subcommand. `finish` is told the exit code; a milter that can't be reached or does not speak the protocol throws. */
export function probeCommand(output: Output, finish: (code: number) => void): Command {
  const option = <T>(flags: string, description: string, parse: (value: string) => T): Option =>
    new Option(flags, description).argParser(value => parseOption(flags, value, parse));
  return new Command('probe')
    .summary('ask a running milter what it says to a mail')
    .description(
      'Plays a mail server towards a running milter, this one or any other, and prints what it answers. Nothing is delivered; but what the milter remembers, it remembers.',
    )
    .usage(
      '-s <address> --ip <address> --from <address> --to <address>\n       milter-greylist probe -s <address> --health',
    )
    .addOption(
      option('-s, --socket <address>', `where the milter listens (default: ${DEFAULT_SOCKET})`, socket).default(
        DEFAULT_SOCKET,
        '',
      ),
    )
    .addOption(option('--ip <address>', 'address of the client that brings the mail', clientAddress))
    .option('--helo <name>', 'what the client calls itself (default: its address)')
    .addOption(option('--from <address>', "sender; '' or '<>' for a bounce", withoutBrackets))
    .addOption(
      new Option('--to <address>', 'recipient; may repeat').argParser(
        (value, before: readonly string[] | undefined) => [...(before ?? []), withoutBrackets(value)],
      ),
    )
    .addOption(option('--repeat <times>', 'try so many times, each in a new connection', times))
    .addOption(option('--pause <time>', 'time between two tries: seconds, or 5m (default: 1)', parseDuration))
    .option('--health', 'only negotiate and leave: for health checks')
    .addHelpText(
      'after',
      '\nExit status: 0 if the milter answered, 69 if it is not there, 76 if it broke off or spoke nonsense.',
    )
    .action(async (options: ProbeOptions) => {
      await (options.health ? probeHealth(options, output) : probe(options, output));
      finish(EXIT.ok);
    });
}

async function probeHealth({ socket: at }: ProbeOptions, output: Output): Promise<void> {
  const negotiated = await withMilter(at, HEALTH_PATIENCE, client => client.negotiate());
  output.out(`${at}: ${describeNegotiation(negotiated)}\n`);
}

async function probe(options: ProbeOptions, output: Output): Promise<void> {
  const { ip: client, from: sender, to: recipients = [], repeat = 1, pause = 1_000 } = options;
  if (client === undefined) throw new UsageError('option --ip is missing: expected the address of a client');
  if (sender === undefined) throw new UsageError("option --from is missing: expected a sender, or '' for a bounce");
  if (recipients.length === 0) throw new UsageError('option --to is missing: expected a recipient');
  const helo = options.helo ?? (client.family === 6 ? `[IPv6:${client.text}]` : `[${client.text}]`);
  for (let attempt = 1; attempt <= repeat; attempt++) {
    if (attempt > 1) {
      output.out(`\nwaiting ${pause / 1_000} s\n`);
      await sleep(pause);
    }
    output.out(`${attempt > 1 ? '\n' : ''}try ${attempt} of ${repeat} at ${options.socket}\n`);
    await withMilter(options.socket, PATIENCE, milter =>
      playDialogue(milter, { client, helo, sender, recipients }, line => output.out(`  ${line}\n`)),
    );
  }
}

/** Connects, lets `use` talk, says goodbye. */
async function withMilter<T>(at: string, patience: number, use: (client: MilterClient) => Promise<T>): Promise<T> {
  const client = await reach(at, patience);
  try {
    const result = await use(client);
    client.quit();
    return result;
  } catch (error) {
    client.destroy();
    throw new CliError(EXIT.protocol, `${at}: ${(error as Error).message}`, { cause: error });
  }
}

async function reach(at: string, patience: number): Promise<MilterClient> {
  const abort = new AbortController();
  try {
    return await Promise.race([
      connectMilter(at, { timeout: patience }),
      sleep(patience, undefined, { signal: abort.signal }).then(() => {
        throw new Error(`no connection within ${patience / 1_000} s`);
      }),
    ]);
  } catch (error) {
    throw new CliError(EXIT.unavailable, `no milter at ${at}: ${(error as Error).message}`, { cause: error });
  } finally {
    abort.abort();
  }
}

function socket(value: string): string {
  if (parseListenAddress(value).kind === 'fd')
    throw new RangeError(`'${value}': expected an address, not a descriptor`);
  return value;
}

function times(value: string): number {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (number < 1) throw new RangeError(`'${value}': expected a number from 1 on`);
  return number;
}
