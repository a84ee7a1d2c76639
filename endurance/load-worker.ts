/**
 * The load, in a process of its own: plays many MTAs at once on the project's own client, one SMTP session a connection. Started by
 * `load.ts`, to which it reports every answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectMilter } from '../src/milter/client.ts';
import { pick, randomFrom } from './case.ts';
import { type Answer, clientOf, type Kind, type LoadOptions, recipientOf, senderOf } from './traffic.ts';

const options = JSON.parse(process.argv[2] ?? '') as LoadOptions;
const random = randomFrom(options.seed);
const bag = Object.entries(options.mix).flatMap(([kind, weight]) => new Array<Kind>(weight).fill(kind as Kind));
interface Waiting {
  readonly serial: number;
  /** Between these two the daemon saw it first: when the question left, when the answer came. */
  readonly asked: number;
  readonly told: number;
}
/** Acknowledged triplets, oldest first. */
const waiting: Waiting[] = [];
const passed: number[] = [];
/** Milliseconds by which our clock and the daemon's view of a triplet may differ. */
const MARGIN = 400;
const MOST_REMEMBERED = 50_000;

let next = options.first;
let running = true;
let open = 0;
let answers: Answer[] = [];

/** Which triplet a session of this kind is about; another kind if there is none for it. */
function choose(wanted: Kind): { readonly kind: Kind; readonly serial: number; readonly known?: Waiting } {
  const now = performance.now();
  const oldest = waiting[0];
  if (wanted === 'mature' && oldest && now - oldest.told >= options.delay + MARGIN) {
    waiting.shift();
    return { kind: 'mature', serial: oldest.serial };
  }
  if (wanted === 'early') {
    const young = waiting[waiting.length - 1 - random(Math.min(waiting.length, 100))];
    if (young && now - young.asked < options.delay - MARGIN)
      return { kind: 'early', serial: young.serial, known: young };
  }
  if (wanted === 'passed' && passed.length > 0) return { kind: 'passed', serial: pick(random, passed) };
  return { kind: wanted === 'white' || wanted === 'listed' ? wanted : 'new', serial: next++ };
}

async function session(): Promise<void> {
  let { kind, serial, known } = choose(pick(random, bag));
  const start = performance.now();
  let asked = start;
  let word: string;
  try {
    const client = await connectMilter(options.socket, { timeout: 120_000 });
    try {
      await client.negotiate();
      const address = clientOf(kind, serial);
      await client.connect(
        { hostname: 'mail.example.net', peer: { family: 'ipv4', address, port: 25 } },
        { j: 'mx.example.org', '{daemon_name}': 'mx.example.org', v: 'Postfix 3.7.11' },
      );
      await client.helo('mail.example.net');
      await client.mail([`<${senderOf(serial)}>`, 'SIZE=1000'], { '{mail_addr}': senderOf(serial) });
      asked = performance.now();
      const reply = await client.rcpt([`<${recipientOf(serial)}>`], { '{rcpt_addr}': recipientOf(serial) });
      word = reply.kind === 'reply' ? String(reply.code) : reply.kind;
      if (kind === 'mature' && word === 'proceed') {
        const { edits } = await client.endOfMessage({ i: `Q${serial}` });
        const marked = edits.some(edit => edit.kind === 'insert-header' && edit.name === 'X-Greylist');
        if (!marked) word = 'proceed without X-Greylist';
      }
      client.abort();
    } finally {
      client.quit();
    }
  } catch (error) {
    word = `error ${error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)}`;
  }
  if (kind === 'early' && known && word === 'proceed' && performance.now() - known.asked >= options.delay - 10) {
    // On a busy machine an early attempt may come too late.
    kind = 'passed';
    const index = waiting.indexOf(known);
    if (index >= 0) passed.push(...waiting.splice(index, 1).map(triplet => triplet.serial));
  }
  remember(kind, serial, word, asked);
  answers.push([serial, kind, word, performance.now() - asked]);
  if (answers.length >= 500) report();
}

function remember(kind: Kind, serial: number, word: string, asked: number): void {
  if (kind === 'new' && word === '451') {
    waiting.push({ serial, asked, told: performance.now() });
    if (waiting.length > MOST_REMEMBERED) waiting.shift();
  } else if (kind === 'mature' && (word === 'proceed' || word.startsWith('error'))) {
    // Where the answer was lost, its passing may be known already: only acceptance can be expected.
    passed.push(serial);
    if (passed.length > MOST_REMEMBERED) passed.shift();
  }
}

function report(): void {
  if (answers.length === 0) return;
  process.send?.({ answers });
  answers = [];
}

/** One session after the other, or as the rate says, in which case late ones are caught up with. */
async function lane(): Promise<void> {
  const { rate, connections } = options;
  const pause = rate === undefined ? 0 : (1_000 * connections) / rate;
  let due = performance.now() + (random(1_000) / 1_000) * pause;
  while (running) {
    if (pause > 0) {
      const early = due - performance.now();
      if (early > 0) await sleep(early);
      due += pause;
      if (!running) return;
    }
    open += 1;
    await session();
    open -= 1;
    if (answers.at(-1)?.[2].startsWith('error')) await sleep(2); // nobody listens: don't spin
  }
}

process.on('message', () => {
  running = false;
});
process.on('disconnect', () => process.exit(1));
setInterval(report, 50).unref();
const lanes = Array.from({ length: options.connections }, lane);
await Promise.all(lanes);
report();
process.send?.({ next, open }, () => process.exit(0));
