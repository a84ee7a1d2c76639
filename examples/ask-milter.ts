/** The MTA's side: tells a milter of a client and its MAIL, and prints what the milter says to it. */
import { connectMilter } from 'milter-greylist/milter';

const [address = 'inet:8893@127.0.0.1', helo = 'mail.example.net'] = process.argv.slice(2);
const client = { family: 'ipv4', address: '203.0.113.7', port: 40_000 } as const;

const milter = await connectMilter(address);
const { version } = await milter.negotiate();
await milter.connect({ hostname: 'mail.example.net', peer: client }, { j: 'mx.example.org' });
await milter.helo(helo);
const answer = await milter.mail(['<a@example.net>', 'SIZE=1000']);
milter.quit();

process.stdout.write(`version ${version}: ${answer.kind === 'reply' ? answer.text : answer.kind}\n`);
