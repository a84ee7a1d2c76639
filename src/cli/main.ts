/**
 * The entry of the command. `bin/milter-greylist.js` comes here once it knows that this Node will do; in a checkout this file is
 * run itself.
 */
import { limitHeap } from './heap.ts';

/** Runs a command line (without program and script), then ends the process with its exit code. */
export async function main(args: readonly string[]): Promise<void> {
  // Whoever closes our output early (`| head`) has seen enough.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  limitHeap(); // before much is loaded, or it has grown by then
  const { runProgram } = await import('./program.ts');
  const code = await runProgram(args, {
    output: { out: text => void process.stdout.write(text), err: text => void process.stderr.write(text) },
    serve: async (...args) => (await import('./serve.ts')).serveInForeground(...args),
  });
  process.exit(code);
}

if (import.meta.main) await main(process.argv.slice(2));
