/**
 * Runs the command from its sources, as `bin/milter-greylist.js` runs the built one.
 */
import { main } from '../src/cli/main.ts';

await main(process.argv.slice(2));
