/** A daemon with a check of its own, which asks a service over HTTP about every recipient. */
import { type Check, createDaemon, type Word } from 'milter-greylist';

const [socket = 'inet:8892@127.0.0.1', service = 'http://127.0.0.1:8080/'] = process.argv.slice(2);

const reply = { code: 550, enhanced: '5.7.1', text: 'Our customer wants no mail from you' };
const words: ReadonlyMap<string, Word> = new Map<string, Word>([
  ['accept', { action: 'accept', reason: 'own-check' }],
  ['refuse', { action: 'reject', reason: 'own-check', reply }],
  ['unsure', { action: 'advise', greylist: { extraDelay: 600_000 } }],
]);

const customers: Check = {
  name: 'customers',
  // It can: so if it fails, nobody is refused by what comes behind it.
  canAccept: true,
  deadline: 1_000,
  async run({ session, sender, recipient }) {
    const question = new URLSearchParams({ client: session.address?.text ?? '', sender, recipient });
    const response = await fetch(`${service}?${question}`, { signal: AbortSignal.timeout(1_000) });
    // What is thrown is logged, and the next check is asked.
    if (!response.ok) throw new Error(`${service} says ${response.status}`);
    return words.get((await response.text()).trim());
  },
};

const daemon = await createDaemon({ socket, database: ':memory:' }, { checks: [customers] });
process.stdout.write(`listening at ${daemon.listening.join(' ')}\n`);
process.on('SIGHUP', () => void daemon.reload().catch(error => process.stderr.write(`not reloaded: ${error}\n`)));
process.on('SIGTERM', () => void daemon.stop());
