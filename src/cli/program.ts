/**
 * The command `milter-greylist`: serves unless a subcommand is named.
 */
import { Command, CommanderError } from 'commander';
import { addDaemonOptions, loadWithLists } from '../config/command-line.ts';
import type { Config } from '../config/config.ts';
import { UsageError } from '../config/usage-error.ts';
import { maskKeys } from '../dnsbl/secret-key.ts';
import { VERSION } from '../version.ts';
import { checkConfigCommand, configCommand } from './config-commands.ts';
import { dnsblCommand } from './dnsbl-command.ts';
import { describeError, exitCodeOf } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { explainCommand } from './explain-command.ts';
import type { Output } from './output.ts';
import { probeCommand } from './probe.ts';

export interface ProgramOptions {
  readonly output: Output;
  /** Serves until it is stopped; resolves to the exit code. `reread` makes the configuration anew. */
  readonly serve: (config: Config, reread: () => Promise<Config>) => Promise<number>;
}

/** Runs a command line (without program and script) to its end and resolves to the exit code. Never rejects. */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<number> {
  let code: number = EXIT.ok;
  const finish = (result: number): void => {
    code = result;
  };
  try {
    await createProgram(options, finish).parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    code = exitCodeOf(error);
    if (code === EXIT.ok) return code;
    for (const line of describeError(error)) options.output.err(`milter-greylist: ${maskKeys(line)}${hint(error)}\n`);
    return code;
  }
}

function createProgram({ output, serve }: ProgramOptions, finish: (code: number) => void): Command {
  const program = new Command('milter-greylist')
    .description('Greylisting and DNS blocklists for Postfix and Sendmail. Serves in the foreground.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({ writeOut: text => output.out(text), writeErr: () => {} })
    .enablePositionalOptions()
    .allowExcessArguments()
    .helpCommand('help [command]', 'print the help of a command')
    .usage('[options]')
    .addHelpText('after', EXAMPLES);
  addDaemonOptions(program);
  program.action(async () => {
    const [word] = program.args;
    if (word !== undefined)
      throw new UsageError(
        `unknown command '${word}': expected options, or one of the commands ${program.commands.map(command => command.name()).join(', ')}`,
      );
    const read = async (): Promise<Config> => (await loadWithLists(program)).config;
    finish(await serve(await read(), read));
  });
  program.addCommand(probeCommand(output, finish).copyInheritedSettings(program).allowExcessArguments(false));
  program.addCommand(dnsblCommand(output, finish).copyInheritedSettings(program));
  for (const command of [explainCommand(output), checkConfigCommand(output), configCommand(output)])
    program.addCommand(command.copyInheritedSettings(program).allowExcessArguments(false));
  return program;
}

function hint(error: unknown): string {
  return error instanceof UsageError || error instanceof CommanderError ? ' (--help tells more)' : '';
}

const EXAMPLES = `
Examples:
  milter-greylist                                   listen on inet:8892@127.0.0.1
  milter-greylist -s /var/run/greylist.sock -a zen.spamhaus.org
  milter-greylist probe -s inet:8892@127.0.0.1 --ip 203.0.113.7 --helo mx.example.net \\
    --from a@example.net --to b@example.org --repeat 2
  milter-greylist dnsbl -a zen.spamhaus.org 203.0.113.7
  milter-greylist dnsbl -a zen.spamhaus.org --check
  milter-greylist explain --ip 203.0.113.7 --from a@example.net --to b@example.org
  milter-greylist check-config -c milter-greylist.yaml
  milter-greylist config --changed

At start it prints the lines that main.cf or sendmail.mc need. SIGHUP reads configuration and lists
again, SIGTERM stops.
`;
