#!/usr/bin/env node
// The command. It looks at Node's version before anything else is loaded: better-sqlite3's native code crashes an old Node
// instead of complaining. So this file imports nothing in advance and stays within the syntax of Node 14.

const needed = [22, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  import('../dist/cli/main.js')
    .then(({ main }) => main(process.argv.slice(2)))
    .catch(error => {
      process.stderr.write(`milter-greylist: ${error.stack}\n`);
      process.exitCode = 70; // EX_SOFTWARE
    });
} else {
  process.stderr.write(
    `milter-greylist: needs Node.js ${needed.join('.')} or newer, but ${process.execPath} is ${process.versions.node}\n`,
  );
  process.exitCode = 69; // EX_UNAVAILABLE
}
