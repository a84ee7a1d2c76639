/**
 * The subcommands about the configuration: `check-config` says what is wrong with it and what the mail server needs, `config`
 * prints what is in force.
 */
import { Command } from 'commander';
import { addDaemonOptions, loadWithLists } from '../config/command-line.ts';
import { showConfig } from '../config/show.ts';
import { warningsOf } from '../config/warnings.ts';
import { maskKeys } from '../dnsbl/secret-key.ts';
import type { Output } from './output.ts';
import { mailServerLines } from './start-message.ts';

/** More warnings would push the first ones off the screen. */
const shown = 100;

/** Errors are thrown: they are told, and end the program, like those of a start. */
export function checkConfigCommand(output: Output): Command {
  const command = new Command('check-config')
    .summary('check a configuration, and print the lines that the mail server needs')
    .description(
      'Reads the configuration as the daemon would, with all files that it names, and says what is wrong with it or hardly meant.',
    );
  return addDaemonOptions(command)
    .addHelpText(
      'after',
      '\nExit status: 0 if the daemon would start with it, warnings or not; 66 if a file is missing, 78 if something is wrong.',
    )
    .action(async () => {
      const loaded = await loadWithLists(command);
      const { checkMaterials } = await import('../daemon.ts');
      await checkMaterials(loaded.config);
      const warnings = warningsOf(loaded);
      for (const { place, message } of warnings.slice(0, shown))
        output.err(`warning: ${place}: ${maskKeys(message)}\n`);
      if (warnings.length > shown) output.err(`and ${warnings.length - shown} more\n`);
      const count =
        warnings.length === 0 ? 'no warnings' : `${warnings.length} warning${warnings.length > 1 ? 's' : ''}`;
      output.out(`${loaded.file ?? 'no file'}: good, ${count}\n\n${mailServerLines(loaded.config.socket)}`);
    });
}

/** `config`, and `config --changed`. */
export function configCommand(output: Output): Command {
  const command = new Command('config')
    .summary('print the configuration in force')
    .description(
      'Prints the configuration that file and flags make, with the defaults for all else, as a file would say it.',
    )
    .option('--changed', 'only what differs from the defaults');
  return addDaemonOptions(command).action(async () => {
    const { changed = false } = command.opts<{ changed?: boolean }>();
    const loaded = await loadWithLists(command);
    output.out(showConfig(loaded, { changed }) || '# nothing differs from the defaults\n');
  });
}
