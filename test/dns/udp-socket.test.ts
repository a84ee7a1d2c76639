import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox } from '../../src/dns/inbox.ts';
import { encodeQuestion } from '../../src/dns/question.ts';
import { RandomSource, systemRandom } from '../../src/dns/random.ts';
import { type Pending, UdpSocket } from '../../src/dns/udp-socket.ts';
import { ScriptedDns } from '../support/scripted-dns.ts';
import type { Owner } from '../support/temp-dir.ts';
import { silent } from './support.ts';

const pending: Pending = {
  question: encodeQuestion('7.113.0.203.bl.test', 'A'),
  onReply: () => assert.fail('nobody replies'),
  onSocketError: error => assert.fail(error),
};

async function fresh(owner: Owner): Promise<UdpSocket> {
  const server = await ScriptedDns.start(owner, { udp: silent });
  return new UdpSocket(server.address, new RandomSource(systemRandom), new Inbox());
}

/** What was put off when it was called, and what that put off, has happened. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

test('a socket that is closed before it is connected sends nothing and breaks nothing', async t => {
  const socket = await fresh(t);
  socket.send(pending, true);
  await socket.close();
  await turn();
});

test('a socket that is retired before it is connected, its only query forgotten, closes', async t => {
  const socket = await fresh(t);
  socket.forget(socket.send(pending, true));
  socket.retire();
  await socket.closed;
  await turn();
});
