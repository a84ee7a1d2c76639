/**
 * What is wrong with list files, told together with what is wrong with the configuration that names them. Without this it would
 * be told once the configuration is right: the daemon reads lists only then.
 */
import { ListError } from '../lists/list-error.ts';
import { ListFiles } from '../lists/list-files.ts';
import { ConfigError } from './problem.ts';

/** The same error, with what is wrong with the list files besides: so that all is told at once. */
export async function withLists(error: ConfigError): Promise<ConfigError> {
  try {
    await ListFiles.load(error.lists);
    return error;
  } catch (wrong) {
    if (!(wrong instanceof ListError)) throw wrong;
    const more = wrong.problems.map(({ file, line, column, text }) => ({
      place: [file, line, column].filter(part => part !== undefined).join(':'),
      message: text,
    }));
    return new ConfigError([...error.problems, ...more], { cause: error.cause });
  }
}
