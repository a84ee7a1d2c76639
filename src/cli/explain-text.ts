/**
 * An explanation in words, for people: who and what, each check with what it looked at and said, and what the client is told.
 */
import type { DecisionRecord } from '../history/decision-record.ts';
import { escapeJson } from '../log/escape.ts';
import type { Word } from '../policy/check.ts';
import type { Envelope } from '../policy/envelope.ts';
import type { Explanation, Step } from '../policy/explanation.ts';
import type { Reply, Verdict } from '../policy/verdict.ts';

export function explanationText(envelope: Envelope, explanation: Explanation): string {
  const { steps, unasked, decision, end } = explanation;
  const { session, helo, sender, recipient, authenticated } = envelope;
  const width = Math.max(...steps.map(({ check }) => check.length));
  const lines = [
    partiesOf({ address: session.address?.text, name: session.name, helo }, sender, recipient, authenticated),
    '',
    ...steps.flatMap((step, index) => stepLines(step, index + 1, width)),
    ...(unasked.length > 0 ? [`   not asked: ${unasked.join(', ')}`] : []),
    '',
    `verdict   ${wordOf(decision.verdict)}, by ${decision.check}`,
    ...replyLines(replyOf(decision.verdict)),
  ];
  if (decision.withheld !== undefined)
    lines.push(`withheld  a rejection (${decision.withheld}): something failed before`);
  if (end?.action === 'greylist') lines.push(`message   greylist (${end.reason}) at its end`, ...replyLines(end.reply));
  if (end?.action === 'accept') {
    const [own] = end.decisions;
    if (own !== undefined) lines.push(`message   ${wordOf(own.verdict)} at its end, by ${own.check}`);
    for (const { name, value } of end.headers) lines.push(`header    ${name}: ${value}`);
  }
  return `${lines.map(escapeJson).join('\n')}\n`;
}

export function recordText(record: DecisionRecord): string {
  const { id, time, client, sender, recipient, authenticated, action, reason, check } = record;
  const lines = [
    `decision  ${id} at ${new Date(time).toISOString()}`,
    partiesOf(client, sender, recipient, authenticated),
    '',
    `verdict   ${action} (${reason}), by ${check}`,
    ...replyLines(record.reply),
  ];
  if (record.delayed !== undefined)
    lines.push(`waited    ${Math.floor(record.delayed / 1000)} s since its first attempt`);
  if (record.failed.length > 0) lines.push(`failed    ${record.failed.join(', ')}`);
  if (record.withheld !== undefined) lines.push(`withheld  a rejection (${record.withheld}): something failed before`);
  for (const [name, value] of Object.entries(record.fields)) {
    if (value !== undefined) lines.push(`${name.padEnd(9)} ${value}`);
  }
  return `${lines.map(escapeJson).join('\n')}\n`;
}

interface Client {
  readonly address: string | undefined;
  readonly name: string;
  readonly helo: string | undefined;
}

function partiesOf(client: Client, sender: string, recipient: string, authenticated: string | undefined): string {
  const { address = 'without an address', name, helo } = client;
  const user = authenticated === undefined ? '' : `, logged in as ${authenticated}`;
  const hello = helo === undefined ? '' : `, HELO ${helo}`;
  return `client    ${address} (${name})${hello}${user}; from <${sender}> to <${recipient}>`;
}

function stepLines({ check, subject, word, failure }: Step, number: number, width: number): string[] {
  const said = failure === undefined ? wordOf(word) : `failed: ${failure}`;
  const head = `${String(number).padStart(2)} ${check.padEnd(width)}  ${said}`;
  return subject === undefined ? [head] : [head, `   ${' '.repeat(width)}  ${subject}`];
}

function wordOf(word: Word): string {
  if (word === undefined) return 'no word';
  if (word.action !== 'advise') return `${word.action} (${word.reason})${fieldsOf(word.fields)}`;
  const { next, greylist = {}, headers = [], fields } = word;
  const advice = [
    next === 'greylist' ? 'to the greylist' : '',
    greylist.key === undefined ? '' : `key ${greylist.key}`,
    greylist.delay === undefined ? '' : `delay ${greylist.delay / 1000} s`,
    greylist.extraDelay === undefined ? '' : `${greylist.extraDelay / 1000} s more`,
    greylist.reply === undefined ? '' : 'a reply of its own',
    ...headers.map(({ name }) => `header ${name}`),
  ].filter(part => part !== '');
  return `advice${advice.length > 0 ? `: ${advice.join(', ')}` : ''}${fieldsOf(fields)}`;
}

function fieldsOf(fields: Readonly<Record<string, string | undefined>> = {}): string {
  return Object.entries(fields)
    .map(([name, value]) => (value === undefined ? '' : ` ${name}=${value}`))
    .join('');
}

function replyOf(verdict: Verdict): Reply | undefined {
  return verdict.action === 'accept' ? undefined : verdict.reply;
}

function replyLines(reply: Reply | undefined): string[] {
  return reply === undefined ? [] : [`reply     ${reply.code} ${reply.enhanced} ${reply.text}`];
}
