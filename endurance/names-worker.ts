/**
 * Two DNS servers that behave as they are told: `names-worker.ts SEED`. They tell their ports, and take a manner by message.
 */
import { a, message, nameOf, replyTo, soa } from '../test/support/dns-message.ts';
import { ScriptedDns, type UdpQuery } from '../test/support/scripted-dns.ts';
import { randomBytes, randomFrom } from './case.ts';
import type { Manner } from './names.ts';

const random = randomFrom(Number(process.argv[2]));
let manner: Manner = 'sound';

function sound({ message: query, send }: UdpQuery): void {
  const name = nameOf(query);
  const listed = /^(2\.0\.0\.127|\d+\.113\.0\.203)\./.test(name);
  send(
    listed
      ? replyTo(query, { answers: [a(name, '127.0.0.2', 5)] })
      : replyTo(query, { rcode: 3, authorities: [soa(name.split('.').slice(-2).join('.'), 5, 5)] }),
  );
}

/** Nothing in it says that anyone is listed. */
function nonsense({ message: query, send }: UdpQuery): void {
  const kind = random(6);
  if (kind === 0) send(randomBytes(random, random(600)));
  else if (kind === 1) send(query);
  else if (kind === 2) send(message({ id: query.readUInt16BE(0), rcode: 3 }));
  else if (kind === 3) send(replyTo(query, { answers: [a('elsewhere.example', '127.0.0.2')] }));
  else if (kind === 4) send(replyTo(query, { counts: [1, 1, 0, 64], answers: [randomBytes(random, 200)] }));
  else send(replyTo(query, { answers: [a(nameOf(query), '127.0.0.2')] }).subarray(0, -3));
}

/** What a provider's search page, a closed list or a full quota answers: it counts as nothing. */
function lying({ message: query, send }: UdpQuery): void {
  const address = ['198.51.100.80', '127.255.255.254', '127.0.0.1'][random(3)] ?? '';
  send(replyTo(query, { answers: [a(nameOf(query), address, 5)] }));
}

const ACTS: Readonly<Record<Manner, (query: UdpQuery) => void>> = {
  sound,
  silent: () => {},
  refusing: ({ message: query, send }) => send(replyTo(query, { rcode: 5 })),
  failing: ({ message: query, send }) => send(replyTo(query, { rcode: 2 })),
  nonsense,
  lying,
  slow: query => void setTimeout(() => sound(query), 500 + random(2_500)),
};

const cleaners: (() => void | Promise<void>)[] = [];
const owner = { after: (clean: () => void | Promise<void>): void => void cleaners.push(clean) };
const udp = (query: UdpQuery): void => ACTS[manner](query);
const servers = [await ScriptedDns.start(owner, { udp }), await ScriptedDns.start(owner, { udp })];
process.on('message', (told: Manner) => {
  manner = told;
});
process.on('disconnect', () => process.exit(0));
process.send?.(servers.map(server => server.address.port));
