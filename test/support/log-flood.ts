/**
 * A program that logs more than a pipe holds and looks at how long each turn of its event loop takes. Then it prints its
 * findings on standard output; with an argument it waits for standard input to end first, and logs one more line.
 */
import { openLog } from '../../src/log/log.ts';

const log = openLog({ logFormat: 'postgrey', verbosity: 0 });
process.on('exit', () => log.flush());

let worst = 0;
let last = performance.now();
for (let turn = 0; turn < 100; turn++) {
  for (let line = 0; line < 100; line++) log.logger.warn('flood', { turn, line, filler: 'x'.repeat(200) });
  await new Promise(resolve => setTimeout(resolve, 1));
  const now = performance.now();
  worst = Math.max(worst, now - last);
  last = now;
}
process.stdout.write(`${JSON.stringify({ worst })}\n`);
if (process.argv[2] === 'wait') {
  await new Promise(resolve => process.stdin.resume().once('end', resolve));
  log.logger.warn('after');
}
process.exit(0);
