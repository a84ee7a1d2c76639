/**
 * DNS replies: a million at the reader, and servers that cut, reorder and repeat them.
 */
import { isIPv4 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { encodeQuestion } from '../../src/dns/question.ts';
import { systemRandom } from '../../src/dns/random.ts';
import { readReply, repliesTo } from '../../src/dns/reply.ts';
import { createStubResolver } from '../../src/dns/stub-resolver.ts';
import { a, cname, message, nameOf, QR, question, replyTo, soa, TC, txt } from '../../test/support/dns-message.ts';
import { ScriptedDns, type UdpQuery } from '../../test/support/scripted-dns.ts';
import { Busyness, type Case, count, Losses, ms, pick, type Random, randomBytes } from '../case.ts';

const NAME = '7.113.0.203.bl.test';

/** Sound replies of many kinds, to be spoiled. */
function models(query: Buffer): readonly Buffer[] {
  return [
    replyTo(query, { answers: [a(NAME, '127.0.0.2')] }),
    replyTo(query, { answers: [a(NAME, '127.0.0.2'), a(NAME, '127.0.0.4'), a(NAME, '127.255.255.254')] }),
    replyTo(query, { answers: [cname(NAME, 'other.test'), a('other.test', '127.0.0.2')] }),
    replyTo(query, { answers: [txt(NAME, 'Listed, see https://bl.test/', 'x'.repeat(200))] }),
    replyTo(query, { rcode: 3, authorities: [soa('bl.test', 60, 60)] }),
    replyTo(query, { authorities: [soa('bl.test', 60, 60)] }),
    replyTo(query, { rcode: 2 }),
    replyTo(query, { flags: QR | TC }),
    replyTo(query, { answers: Array.from({ length: 40 }, (_, i) => a(NAME, `127.0.0.${i}`)) }),
  ];
}

/** Flips, cuts, doubles, points names elsewhere, changes counts and lengths; the first `spare` bytes stay. */
function spoil(random: Random, model: Buffer, spare: number): Buffer {
  let bytes = Buffer.from(model);
  const at = (): number => spare + random(Math.max(1, bytes.length - spare));
  for (let times = random(5); times > 0 && bytes.length > spare + 2; times--) {
    switch (random(7)) {
      case 0:
        bytes[at()] = random(256);
        break;
      case 1:
        bytes = bytes.subarray(0, at());
        break;
      case 2: {
        const from = at();
        bytes = Buffer.concat([bytes, bytes.subarray(from, from + random(200))]);
        break;
      }
      case 3: {
        const where = Math.min(at(), bytes.length - 2);
        bytes.writeUInt16BE(0xc000 | random(Math.min(bytes.length, 0x3fff)), where); // a pointer
        break;
      }
      case 4:
        if (bytes.length < 12) break;
        bytes.writeUInt16BE(random(4) === 0 ? random(65_536) : random(70), pick(random, [6, 8, 10]));
        break;
      case 5:
        bytes.writeUInt16BE(pick(random, [0, 1, 4, 16, 0xffff]), Math.min(at(), bytes.length - 2));
        break;
      default: {
        const where = at();
        bytes = Buffer.concat([bytes.subarray(0, where), randomBytes(random, random(40)), bytes.subarray(where)]);
      }
    }
  }
  return bytes;
}

/** Milliseconds that reading one datagram may take; the parser's worst takes 3 on a quiet machine. */
const MOST_TIME = 50;

const reader: Case = {
  name: 'bytes/dns-replies',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const asked = encodeQuestion(NAME, 'A');
    const spare = 12 + asked.wire.length;
    const kept = [...models(message({ id: 1, question: question(NAME, 1) }))];
    const own = kept.length;
    const known = new Set<string>();
    const wanted = short ? 60_000 : 1_000_000;
    const most = short ? 100 * MOST_TIME : MOST_TIME;
    let worst = 0;
    for (let done = 0; done < wanted; done++) {
      const bytes = spoil(random, kept[random(kept.length)] as Buffer, random(20) === 0 ? 0 : spare).subarray(0, 4_096);
      const hex = (): string => bytes.toString('hex').slice(0, 400);
      try {
        if (!repliesTo(bytes, asked)) continue;
        let start = performance.now();
        const reply = readReply(bytes, asked, 1_232);
        let took = performance.now() - start;
        for (let again = 0; took > most && again < 3; again++) {
          start = performance.now(); // the machine may have been elsewhere
          readReply(bytes, asked, 1_232);
          took = Math.min(took, performance.now() - start);
        }
        worst = Math.max(worst, took);
        losses.expect(took <= most, 'time', () => `${ms(took)} for ${hex()}`);
        if (reply.kind === 'finding' && reply.finding.status === 'records') {
          const { records, ttl } = reply.finding;
          losses.expect(records.length > 0 && ttl >= 0, 'an empty answer', hex);
          for (const record of records) {
            const told = isIPv4(record) && bytes.includes(Buffer.from(record.split('.').map(Number)));
            losses.expect(told, 'an address that nobody told', () => `${record} from ${hex()}`);
          }
        }
        const what =
          reply.kind === 'finding'
            ? `${reply.finding.status} ${reply.finding.cname}`
            : reply.kind === 'failure'
              ? reply.failure.detail.replace(/\d+/g, '#')
              : reply.kind;
        const seen = `${what} ${Math.log2(bytes.length) | 0} ${Math.min(bytes.readUInt16BE(6), 5)}`;
        if (known.has(seen)) continue;
        known.add(seen);
        if (kept.length < 2_000) kept.push(Buffer.from(bytes));
        else kept[own + random(2_000 - own)] = Buffer.from(bytes);
      } catch (error) {
        losses.expect(false, 'an exception', () => `${String(error)} for ${hex()}`);
      }
      if (done % 50_000 === 0) await sleep(0);
    }
    return {
      thrown: `${count(wanted)} replies: bits, lengths, counts, pointers, cuts`,
      lost: losses.list(),
      seen: `${known.size} different courses; the slowest took ${ms(worst)}`,
    };
  },
};

/** Of names that begin with `listed` the truth is 127.0.0.2, of all others that they do not exist. */
function truth(query: Buffer): Buffer {
  const name = nameOf(query);
  if (name.startsWith('listed')) return replyTo(query, { answers: [a(name, '127.0.0.2', 5)] });
  return replyTo(query, { rcode: 3, authorities: [soa('bl.test', 5, 5)] });
}

const servers: Case = {
  name: 'bytes/dns-servers',
  async run(trial) {
    const { random, short } = trial;
    const losses = new Losses();
    const held: (() => void)[] = [];
    const busyness = new Busyness(trial);
    let sent = 0;
    /** Rubbish that holds no address, now and then the truth, late, twice or out of order. */
    const act = (query: UdpQuery): void => {
      const denial = replyTo(query.message, { rcode: 3, authorities: [soa('bl.test', 5, 5)] });
      for (let times = random(6); times > 0; times--, sent++) {
        const kind = random(5);
        if (kind === 0) query.send(randomBytes(random, random(600)));
        else if (kind === 1) query.send(denial.subarray(0, random(denial.length)));
        else if (kind === 2) query.send(query.message);
        else {
          const bytes = spoil(random, denial, 4);
          bytes.writeUInt16BE(kind === 3 ? query.message.readUInt16BE(0) : random(65_536), 0);
          if (bytes.length >= 12) query.send(bytes);
        }
      }
      if (random(3) === 0) held.push(() => query.send(truth(query.message)));
      else if (random(4) > 0) query.send(truth(query.message));
      while (held.length > 8) held.splice(random(held.length), 1)[0]?.();
      sent++;
    };
    const hosts = [await ScriptedDns.start(trial, { udp: act }), await ScriptedDns.start(trial, { udp: act })];
    const warnings = new Losses();
    const logger = {
      error: (text: string) => warnings.expect(false, text),
      warn: () => {},
      info: () => {},
      debug: () => {},
    };
    const resolver = createStubResolver({
      servers: hosts.map(host => host.address),
      clock: systemClock,
      random: systemRandom,
      logger,
      timeout: 400,
    });
    trial.after(() => resolver.close());
    const wanted = short ? 3_000 : 60_000;
    let asked = 0;
    let right = 0;
    let slowest = 0;
    const lane = async (): Promise<void> => {
      while (asked++ < wanted) {
        const listed = random(2) === 0;
        const start = performance.now();
        const answer = await resolver.resolve(`${listed ? 'listed' : 'clear'}.${asked}.bl.test`, 'A');
        slowest = Math.max(slowest, performance.now() - start);
        if (answer.status === 'records') {
          losses.expect(listed, 'someone listed who is not', () => JSON.stringify(answer));
          right += 1;
        } else if (answer.status === 'nxdomain' && !listed) right += 1;
      }
    };
    await Promise.all(Array.from({ length: 100 }, lane));
    losses.expect(slowest < busyness.stretch(4_000), 'a look-up that did not end', () => ms(slowest));
    losses.expect(right > wanted / (short ? 100 : 10), 'hardly any truth came through', () => `${right} of ${wanted}`);
    return {
      thrown: `${count(sent)} datagrams to ${count(wanted)} questions: rubbish, cuts, wrong ids, late, twice, out of order`,
      lost: [...losses.list(), ...warnings.list()],
      seen: `${count(right)} true answers; nobody listed who is not; the slowest look-up took ${ms(slowest)} of 400 ms allowed`,
    };
  },
};

export const dnsCases: readonly Case[] = [reader, servers];
