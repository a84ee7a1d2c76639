/**
 * Fuzzes the milter session in a process of its own, so that several cores are used. Streams that made the session say or complain
 * something new are kept and changed further. Started by `milter.ts`: `milter-worker.ts SEED PACKETS`; prints JSON.
 *
 * For every stream: exactly the answers that the reference model says are due, whatever the cuts; one close, if any; each
 * message and connection ends once; no exception.
 */
import {
  damage,
  type Random,
  randomChunks,
  randomFilter,
  randomFrom,
  randomStream,
} from '../../test/milter/random-session.ts';
import { answersDue, assertAnswers } from '../../test/milter/reference-model.ts';
import { begin } from '../../test/milter/support.ts';
import { settle } from '../../test/support/fixed-timers.ts';

const [seed = 1, packetsWanted = 0] = process.argv.slice(2).map(Number);
const MOST_KEPT = 4_000;
const FILTER_LIFE = 50;

/** Borders of packets, as far as they can be told. */
function borders(bytes: Buffer): number[] {
  const found = [0];
  for (let at = 0; at + 4 <= bytes.length; ) {
    at += 4 + bytes.readUInt32BE(at);
    if (at > bytes.length) break;
    found.push(at);
  }
  return found;
}

function change(random: Random, bytes: Buffer, other: Buffer): Buffer {
  const mine = borders(bytes);
  const theirs = borders(other);
  const cut = mine[random(mine.length)] ?? 0;
  switch (random(5)) {
    case 0:
      return damage(random, bytes);
    case 1:
      return bytes.subarray(0, random(bytes.length) + 1);
    case 2: // another's packets from here on
      return Buffer.concat([bytes.subarray(0, cut), other.subarray(theirs[random(theirs.length)] ?? 0)]);
    case 3: {
      // two packets change places
      const [a = 0, b = a, c = b] = mine.slice(random(Math.max(1, mine.length - 2)));
      return Buffer.concat([bytes.subarray(0, a), bytes.subarray(b, c), bytes.subarray(a, b), bytes.subarray(c)]);
    }
    default: // one twice
      return Buffer.concat([
        bytes.subarray(0, cut),
        bytes.subarray(mine[random(mine.length)] ?? 0, cut + random(200)),
        bytes.subarray(cut),
      ]);
  }
}

/** Edits at the end of a message are no final answers. */
function finals(answers: readonly string[]): number {
  return answers.filter(answer => answer[0] !== 'h').length;
}

/** Sends a stream through a session of this filter; returns what was seen, in short. */
async function check(random: Random, bytes: Buffer, filter: ReturnType<typeof randomFilter>): Promise<string> {
  const { options, books, wants } = filter;
  const rig = begin(options);
  const due = answersDue(bytes, wants);
  for (const chunk of randomChunks(random, bytes)) rig.session.receive(chunk);
  const answers = rig.heard();
  // Some handlers need a turn or two of the event loop; several without a word mean that nothing more will come.
  for (let quiet = 0; quiet < 4 && finals(answers) < due.commands.length; quiet++) {
    await settle();
    const more = rig.heard();
    answers.push(...more);
    if (more.length > 0) quiet = 0;
  }
  assertAnswers(due, answers);
  if (rig.wire.closed !== (due.closed ? 1 : 0)) throw new Error(`closed ${rig.wire.closed} times, due: ${due.closed}`);
  rig.session.disconnect();
  if (rig.wire.closed !== 1) throw new Error(`closed ${rig.wire.closed} times in the end`);
  if (books.faults.length > 0) throw new Error(books.faults.join());
  for (const ended of books.begun.values()) if (ended !== 1) throw new Error(`something ended ${ended} times`);
  books.begun.clear();
  const offences = rig.offences.map(text => text.replace(/[\d"].*/, ''));
  return `${due.commands.replace(/(.)\1+/g, '$1+')} ${[...new Set(offences)].join()}`;
}

const random = randomFrom(seed);
const kept: Buffer[] = [randomStream(random, 20)];
const known = new Set<string>();
const failures: string[] = [];
let packets = 0;
let streams = 0;
let bytesSent = 0;
let filter = randomFilter(random, false);
while (packets < packetsWanted && failures.length < 5) {
  if (++streams % FILTER_LIFE === 0) filter = randomFilter(random, false);
  const old = kept[random(kept.length)] as Buffer;
  const bytes =
    random(4) === 0
      ? randomStream(random, 5 + random(60))
      : change(random, old, kept[random(kept.length)] as Buffer).subarray(0, 20_000);
  packets += borders(bytes).length - 1;
  bytesSent += bytes.length;
  try {
    const seen = await check(random, bytes, filter);
    if (!known.has(seen) && known.size < 200_000) {
      known.add(seen);
      if (kept.length < MOST_KEPT) kept.push(Buffer.from(bytes));
      else kept[random(MOST_KEPT)] = Buffer.from(bytes);
    }
  } catch (error) {
    failures.push(
      `${error instanceof Error ? error.message : String(error)} (${bytes.toString('hex').slice(0, 2_000)})`,
    );
    filter = randomFilter(random, false);
  }
}
if (known.size === 0) failures.push('nothing was seen');
process.stdout.write(JSON.stringify({ packets, streams, bytesSent, behaviours: known.size, failures }));
