/**
 * Runs a program of the checkout in our place: our terminal and our arguments are its own, a signal to us is a signal to it,
 * and its exit code is ours.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { environment, root } from './set-up.mjs';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'];

/**
 * Resolves to the exit code, 128 + n after signal n. `cwd` is the program's working directory, the checkout unless told.
 *
 * The program has a process group of its own, since one Ctrl-C reaches us twice, from the terminal and from npm, and a
 * daemon takes a second signal for impatience. And since npm dies of signals that it does not pass on (SIGHUP, SIGKILL), the
 * program is told to end when our parent is gone.
 */
export function hold(command, args, cwd = root) {
  const child = spawn(command, args, { cwd, env: environment(), stdio: 'inherit', detached: true });
  const last = {};
  const handlers = signals.map(signal => {
    const handler = () => {
      const now = performance.now();
      if (now - (last[signal] ?? Number.NEGATIVE_INFINITY) > 200) child.kill(signal);
      last[signal] = now;
    };
    process.on(signal, handler);
    return [signal, handler];
  });
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 1000);
  return new Promise((resolve, reject) => {
    child.once('error', error => reject(new Error(`${command}: ${error.message}`)));
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  }).finally(() => {
    clearInterval(watch);
    for (const [signal, handler] of handlers) process.off(signal, handler);
  });
}
