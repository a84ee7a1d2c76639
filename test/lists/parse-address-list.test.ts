import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddressList } from '../../src/lists/parse-address-list.ts';

/** `line network` or `line! problem` for each line that holds something. */
function read(text: string): string[] {
  return Array.from(parseAddressList(text), each =>
    'network' in each ? `${each.line} ${each.network.text}` : `${each.line}! ${each.problem}`,
  );
}

test('addresses, networks and wildcards stand one a line', () => {
  const text = '203.0.113.7\n198.51.100.0/24\n192.168.2.*\n10.*\n2001:db8::1\n2001:db8::/32\n';
  assert.deepEqual(read(text), [
    '1 203.0.113.7/32',
    '2 198.51.100.0/24',
    '3 192.168.2.0/24',
    '4 10.0.0.0/8',
    '5 2001:db8::1/128',
    '6 2001:db8::/32',
  ]);
});

test('comments, also after an entry, and blank lines are skipped but counted', () => {
  assert.deepEqual(read('# our partners\n\n  \t\n 203.0.113.7 # mx1\n#10.*\n10.0.0.1#mx2'), [
    '4 203.0.113.7/32',
    '6 10.0.0.1/32',
  ]);
});

test('CRLF line ends and a byte-order mark are tolerated', () => {
  assert.deepEqual(read('\uFEFF203.0.113.7\r\n\r\n# x\r\n10.*\r\n'), ['1 203.0.113.7/32', '4 10.0.0.0/8']);
});

test('an empty text is an empty list', () => assert.deepEqual(read(''), []));

test('every bad line is told with its number, its text and what was expected', () => {
  const lines = read('203.0.113.7\nmail.example.org\n10.0.0.1/8\n1.2.3.4 5.6.7.8\n203.0.113.8');
  assert.equal(lines.length, 5);
  assert.match(lines[1]!, /^2! "mail\.example\.org": expected an address/);
  assert.match(lines[2]!, /^3! "10\.0\.0\.1\/8": bits are set after the first 8: .* 10\.0\.0\.0\/8/);
  assert.match(lines[3]!, /^4! "1\.2\.3\.4 5\.6\.7\.8": expected an address/);
});

test('a bad line is shown shortened and without control characters', () => {
  const [line] = read(`${'x'.repeat(500)}`);
  assert.ok(line!.length < 250);
  assert.match(read('a\u001b[2J\u0000b\u202ec')[0]!, /^1! "a\?\[2J\?b\?c": /);
});

test('a comment may hold any bytes', () => {
  assert.deepEqual(read('10.* # caf\uFFFD \u0000'), ['1 10.0.0.0/8']);
});
