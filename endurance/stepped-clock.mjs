/**
 * Loaded into the daemon before its program (`node --import`): the wall clock shows the true time and so many milliseconds as the file
 * named by STEPPED_CLOCK says, which is read anew on SIGUSR2. The monotonic clock is left alone, as a stepped system clock
 * leaves it.
 */
import { readFileSync } from 'node:fs';

const trueNow = Date.now;
let offset = 0;
Date.now = () => trueNow() + offset;
process.on('SIGUSR2', () => {
  offset = Number(readFileSync(process.env.STEPPED_CLOCK, 'utf8'));
});
