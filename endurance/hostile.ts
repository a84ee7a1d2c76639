/**
 * Hostile strings in HELO, sender, recipient, client name and macros: no forged line in the log, in a reply or a header; no effect on the
 * database but the rows themselves; and two different strings are never taken for one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectMilter } from '../src/milter/client.ts';
import { parseLogfmt, UNSAFE } from '../test/support/hostile-text.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import { type Case, count, Losses, pick, type Random, type Trial } from './case.ts';
import { Daemon } from './daemon.ts';
import { rows, schema, unsound } from './database.ts';

const FORMATS = ['logfmt', 'json', 'postgrey'] as const;

/** Lone surrogates U+DC80 to U+DCFF stand for bytes that are no UTF-8, as the client sends them. */
const PIECES = [
  '\r',
  '\n',
  '\r\n',
  '\t',
  '%',
  '%%',
  '%s%n',
  '{',
  '}',
  '{WAIT}',
  '{j}',
  '"',
  "'",
  '`',
  '\\',
  ';',
  '--',
  '/*',
  '=',
  ',',
  ' ',
  '|',
  "'); DROP TABLE triplet; --",
  "' OR ''='",
  '" action=accept reason=known',
  '\naction=accept reason=whitelist',
  ', recipient=x@y',
  '\r\n250 2.0.0 Ok',
  '\r\nX-Greylist: delayed 0 seconds',
  '\u0001',
  '\u0001"x"',
  '\x1b[2J',
  '\x7f',
  '\x85',
  '\x9b31m',
  '\u2028',
  '\u2029',
  '\u202a',
  '\u202e',
  '\u2066',
  '\u2069',
  '\u200f',
  '\ufeff',
  '\u00a0',
  '\u3000',
  '\udc80',
  '\udcff\udcfe',
  '\udce2\udc80',
  '\u{e0001}',
  'é',
  '漢',
  '😀',
  'K',
  'ſ',
  'ı',
  'İ',
];

function hostile(random: Random): string {
  let text = '';
  for (let times = 1 + random(6); times > 0; times--) text += random(3) === 0 ? 'ab' : pick(random, PIECES);
  return random(300) === 0 ? text + 'x'.repeat(60_000) + text : text;
}

interface Mail {
  readonly sender: string;
  readonly recipient: string;
  readonly address?: string;
  readonly end?: boolean;
}

const REPLY = /^451 4\.7\.1 Greylisting (still )?in action, please come back later \(\d+ secs\)$/;
const HEADER =
  /^delayed \d+ seconds by milter-greylist\/[\w.-]+ at [\w.-]+; \w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}$/;

class Sender {
  readonly #daemon: Daemon;
  readonly #random: Random;
  readonly #losses: Losses;
  decisions = 0;

  constructor(daemon: Daemon, random: Random, losses: Losses) {
    this.#daemon = daemon;
    this.#random = random;
    this.#losses = losses;
  }

  /** Plays one session whose every other text is hostile; `still`, `new` or what else it came to. */
  async send({ sender, recipient, address = '62.1.2.7', end = false }: Mail): Promise<string> {
    const random = this.#random;
    const quote = (): string => JSON.stringify({ sender, recipient }).slice(0, 300);
    const client = await connectMilter(this.#daemon.socket, { timeout: 60_000 });
    try {
      await client.negotiate();
      const macros = {
        j: 'mx.example.org',
        '{daemon_name}': hostile(random),
        v: hostile(random),
        [hostile(random)]: hostile(random),
      };
      await client.connect({ hostname: hostile(random), peer: { family: 'ipv4', address, port: 25 } }, macros);
      await client.helo(hostile(random), { '{tls_version}': hostile(random) });
      await client.mail([`<${sender}>`, `X=${hostile(random)}`], {
        i: hostile(random),
        '{mail_addr}': hostile(random),
      });
      const reply = await client.rcpt([`<${recipient}>`, hostile(random)], { '{rcpt_addr}': hostile(random) });
      this.decisions += 1;
      if (reply.kind !== 'reply') {
        if (end) {
          const { edits } = await client.endOfMessage({ i: hostile(random) });
          for (const edit of edits) {
            const fine = edit.kind === 'insert-header' && edit.name === 'X-Greylist' && HEADER.test(edit.value);
            this.#losses.expect(fine, 'a header', () => `${JSON.stringify(edit)} for ${quote()}`);
          }
        }
        return reply.kind;
      }
      const still = REPLY.exec(reply.text);
      this.#losses.expect(still !== null, 'a reply', () => `${JSON.stringify(reply.text)} for ${quote()}`);
      return still?.[1] ? 'still' : 'new';
    } finally {
      client.quit();
    }
  }
}

async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

/** What a format makes of a line; throws if it is none of its kind. Returns whether it is a decision. */
const READERS: Readonly<Record<(typeof FORMATS)[number], (line: string) => boolean>> = {
  logfmt: line => 'action' in parseLogfmt(line),
  json: line => 'action' in (JSON.parse(line) as object),
  postgrey: line => {
    if (!line.startsWith('action=')) return false;
    if (!/^action=\w+, reason=[^,]+, (delay=\d+, )?client_name=.*, client_address=62\.1\.2\.7.*, recipient=/.test(line))
      throw new Error('not a line of postgrey');
    return true;
  },
};

const strings: Case = {
  name: 'hostile/strings',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const mails = short ? 200 : 3_000;
    let decisions = 0;
    for (const format of FORMATS) {
      const daemon = await Daemon.start(trial, {
        folder: tempDir(trial),
        flags: ['--greytimeout', '1', '--log-format', format, '-v'],
      });
      const before = schema(daemon.database);
      const sender = new Sender(daemon, random, losses);
      // The serial makes each recipient its own.
      const list = Array.from({ length: mails }, (_, serial) => ({
        sender: `${hostile(random)}@example.net`,
        recipient: `${hostile(random)}.${serial}.${hostile(random)}@example.org`,
      }));
      await inLanes(list, async mail => {
        const word = await sender.send(mail);
        losses.expect(word === 'new', 'a first attempt', () => `${word}: ${JSON.stringify(mail).slice(0, 300)}`);
      });
      await sleep(1_200);
      await inLanes(list, async mail => {
        const word = await sender.send({ ...mail, end: true });
        losses.expect(
          word === 'proceed',
          'a triplet whose time had come',
          () => `${word}: ${JSON.stringify(mail).slice(0, 300)}`,
        );
      });
      losses.expect(rows(daemon.database) === mails, 'rows', () => `${rows(daemon.database)} for ${mails} triplets`);
      losses.expect(schema(daemon.database) === before, 'the schema');
      losses.expect(unsound(daemon.database) === undefined, 'integrity_check');
      losses.expect((await daemon.stop()).code === 0, 'the exit status');
      judgeLog(daemon.log, format, sender.decisions, losses);
      decisions += sender.decisions;
    }
    return {
      thrown: `${count(decisions)} sessions full of CR, LF, %, braces, quotes, SQL, bidi controls, bytes that are no UTF-8, 64 KB addresses; three log formats`,
      lost: losses.list(),
      seen: 'one line, one row and one proper reply for each; headers as documented; schema untouched',
    };
  },
};

function judgeLog(log: string, format: (typeof FORMATS)[number], decisions: number, losses: Losses): void {
  let logged = 0;
  for (const line of log.split('\n').slice(0, -1)) {
    losses.expect(!UNSAFE.test(line), `${format}: an unprintable character`, () => JSON.stringify(line).slice(0, 300));
    try {
      if (READERS[format](line)) logged += 1;
    } catch (error) {
      losses.expect(false, `${format}: a line`, () => `${String(error)}: ${line.slice(0, 300)}`);
    }
  }
  losses.expect(logged === decisions, `${format}: lines`, () => `${logged} for ${decisions} decisions`);
}

/** Characters that no rule of the greylist's key (`docs/greylist-key.md`) speaks of: whoever differs in them is another. */
const APART = [
  '\r',
  '\n',
  '\t',
  '%',
  '{',
  '}',
  "'",
  '`',
  ';',
  '|',
  '$',
  '\u0001',
  '\x7f',
  '\u202e',
  '\u2066',
  '\ufeff',
  '\u00a0',
  '\udc80',
  '\udcff',
  'é',
  '漢',
  '\u212a',
  'ſ',
  'ı',
  'k',
  's',
  'i',
];

/** Two texts that differ in one of those characters. */
function twins(random: Random, serial: number): readonly [string, string] {
  const [one, other] = [random(APART.length), random(APART.length - 1)].sort((a, b) => a - b) as [number, number];
  const rest = APART.filter((_, index) => index !== one);
  const tail = Array.from({ length: random(4) }, () => pick(random, APART)).join('');
  const stem = `q${serial.toString(26).replace(/[0-9]/g, digit => 'qrstuvwxyz'[Number(digit)] ?? '')}q`;
  return [`${stem}${APART[one]}${tail}`, `${stem}${rest[other]}${tail}`];
}

const twinsApart: Case = {
  name: 'hostile/twins',
  async run(trial: Trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const daemon = await Daemon.start(trial, { folder: tempDir(trial), flags: ['--greytimeout', '1'] });
    const sender = new Sender(daemon, random, losses);
    // Each pair in a network of its own: a crowded one has no more than a few thousand pending triplets stored.
    const pairs = Array.from({ length: short ? 200 : 4_000 }, (_, serial) => {
      const [one, other] = twins(random, serial);
      return { one, other, address: `62.${serial >> 8}.${serial & 255}.7` };
    });
    const mailOf = (part: string, asSender: boolean, address: string): Mail =>
      asSender
        ? { sender: `${part}@example.net`, recipient: 'b@example.org', address }
        : { sender: 'a@example.net', recipient: `${part}@example.org`, address };
    for (const asSender of [false, true]) {
      await inLanes(pairs, async ({ one, address }) => {
        losses.expect((await sender.send(mailOf(one, asSender, address))) === 'new', 'a first attempt', () =>
          JSON.stringify(one),
        );
      });
      await sleep(1_200);
      await inLanes(pairs, async ({ one, other, address }) => {
        const word = await sender.send(mailOf(other, asSender, address));
        losses.expect(
          word === 'new',
          `two ${asSender ? 'senders' : 'recipients'} taken for one`,
          () => `${JSON.stringify([one, other])}: ${word}`,
        );
      });
      await inLanes(pairs, async ({ one, address }) => {
        losses.expect((await sender.send(mailOf(one, asSender, address))) === 'proceed', 'a triplet', () =>
          JSON.stringify(one),
        );
      });
    }
    losses.expect(
      rows(daemon.database) === pairs.length * 4,
      'rows',
      () => `${rows(daemon.database)} for ${pairs.length * 4}`,
    );
    return {
      thrown: `${count(pairs.length * 2)} pairs of senders or recipients that differ in one odd character`,
      lost: losses.list(),
      seen: 'each its own triplet, remembered as its own',
    };
  },
};

export const hostileCases: readonly Case[] = [strings, twinsApart];
