/**
 * List files and the configuration file: whatever they hold, they are read, or refused with a place and a reason.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { parseAddressList } from '../../src/lists/parse-address-list.ts';
import { Busyness, type Case, count, Losses, ms, pick, type Random, randomBytes } from '../case.ts';

/** Milliseconds that a small file may take. */
const MOST_TIME = 500;
/** What may not reach a terminal: control, format and separator characters, but for the line breaks between problems. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const WORDS = [
  '192.0.2.0/24',
  '10.*',
  '2001:db8::/32',
  '*.*.*.*',
  '::',
  '/',
  '#',
  '\t',
  '\r\n',
  '\n',
  '\0',
  '\ufeff',
  '127.1',
  '1/33',
  '…',
  '\u202e',
  '%eth0',
  'x'.repeat(300),
];
const YAML = [
  '\n',
  '  ',
  ': ',
  '- ',
  '&a ',
  '*a',
  '<<: ',
  '|',
  '>',
  '!!binary ',
  '? ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '#',
  '\t',
  '%YAML 1.1\n',
  '---\n',
  '\0',
  '\u202e',
  '1e999',
  '0660',
  '*@example.com',
  'fe80::',
  '~',
  '9'.repeat(400),
  '[[[[[[[[[',
];

function spoil(random: Random, text: string, words: readonly string[]): string {
  let spoiled = text;
  for (let times = 1 + random(6); times > 0; times--) {
    const at = random(spoiled.length + 1);
    const kind = random(5);
    if (kind === 0) spoiled = spoiled.slice(0, at) + pick(random, words) + spoiled.slice(at);
    else if (kind === 1) spoiled = spoiled.slice(0, at) + spoiled.slice(at + random(20));
    else if (kind === 2)
      spoiled = spoiled.slice(0, at) + randomBytes(random, random(8)).toString('utf8') + spoiled.slice(at);
    else if (kind === 3)
      spoiled = spoiled.slice(0, at) + spoiled.slice(random(spoiled.length), at + random(200)) + spoiled.slice(at);
    else spoiled = spoiled.slice(0, at) + pick(random, words).repeat(1 + random(30)) + spoiled.slice(at);
  }
  return spoiled.slice(0, 20_000);
}

/** Milliseconds that it takes to read a configuration, whatever comes of it. */
function timeOf(text: string): number {
  const start = performance.now();
  try {
    parseConfig({ file: 'x.yaml', text });
  } catch {
    // seen before
  }
  return performance.now() - start;
}

const LIST = '# a list\n192.0.2.0/24\n198.51.100.7 # one\n2001:db8::/32\n10.*\n\n172.16.0.0/12\r\n';

const lists: Case = {
  name: 'bytes/list-files',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const busyness = new Busyness(trial);
    const wanted = short ? 20_000 : 300_000;
    let networks = 0;
    let problems = 0;
    let worst = 0;
    for (let done = 0; done < wanted; done++) {
      const text = spoil(random, LIST, WORDS);
      const start = performance.now();
      try {
        for (const read of parseAddressList(text)) {
          if ('network' in read) networks += 1;
          else {
            problems += 1;
            losses.expect(read.line >= 1 && !UNPRINTABLE.test(read.problem), 'a clear error', () =>
              JSON.stringify(read),
            );
          }
        }
      } catch (error) {
        losses.expect(false, 'an exception', () => `${String(error)} for ${JSON.stringify(text).slice(0, 300)}`);
      }
      worst = Math.max(worst, performance.now() - start);
      if (done % 10_000 === 0) await sleep(0);
    }
    losses.expect(worst < busyness.stretch(MOST_TIME), 'time', () => ms(worst));
    return {
      thrown: `${count(wanted)} spoiled lists`,
      lost: losses.list(),
      seen: `${count(networks)} networks read, ${count(problems)} lines refused with their number; the slowest file took ${ms(worst)}`,
    };
  },
};

const SETTINGS = `socket: [inet:8892@127.0.0.1]
database: ":memory:"
greylist:
  delay: 5m
  retryWindow: 2d
dnsbl:
  zones:
    - zen.spamhaus.org=127.0.0.[2..11;30]*2
    - zone: bl.example.net
  policy: majority
`;

/** The annotated example, if it is there, else a few settings. */
function example(): string {
  try {
    return readFileSync(new URL('../../examples/milter-greylist.yaml', import.meta.url), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return SETTINGS;
  }
}

const configuration: Case = {
  name: 'bytes/yaml',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const models = [SETTINGS, example().slice(0, 6_000)];
    const wanted = short ? 1_500 : 20_000;
    const most = short ? 10 * MOST_TIME : MOST_TIME;
    let taken = 0;
    let worst = 0;
    for (let done = 0; done < wanted; done++) {
      const text = spoil(random, pick(random, models), YAML);
      const quote = (): string => JSON.stringify(text).slice(0, 400);
      const start = performance.now();
      try {
        parseConfig({ file: 'x.yaml', text });
        taken += 1;
      } catch (error) {
        losses.expect(error instanceof ConfigError, 'an exception', () => `${String(error)} for ${quote()}`);
        if (error instanceof ConfigError)
          losses.expect(!UNPRINTABLE.test(error.message), 'a printable error', () => JSON.stringify(error.message));
      }
      let took = performance.now() - start;
      for (let again = 0; took > most && again < 3; again++) took = Math.min(took, timeOf(text)); // the machine may have been elsewhere
      worst = Math.max(worst, took);
      losses.expect(took < most, 'time', () => `${ms(took)} for ${quote()}`);
      if (done % 500 === 0) await sleep(0);
    }
    return {
      thrown: `${count(wanted)} spoiled configurations`,
      lost: losses.list(),
      seen: `${count(taken)} still made sense, the others were refused with their place; the slowest took ${ms(worst)}`,
    };
  },
};

export const fileCases: readonly Case[] = [lists, configuration];
