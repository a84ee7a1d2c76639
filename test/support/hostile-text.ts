/**
 * Strings that strangers might send, for properties about the log; and a reader of logfmt to give back what was logged.
 */
import fc from 'fast-check';

const NASTY = [
  '"',
  "'",
  '\\',
  '\n',
  '\r',
  '\r\n',
  '\t',
  '\0',
  '\x1b[31m',
  '\x7f',
  '\x85',
  '\x9b',
  ' ',
  '=',
  ',',
  ', ',
  '%',
  '{',
  '}',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\u200f',
  '\ufeff',
  '\u00a0',
  '\u3000',
  '\ud800',
  '\udc00',
  '\u{e0001}',
  '…',
  ' action=accept',
  ', recipient=',
  '" recipient="',
  '\naction=accept reason=known',
  '<4>',
  'é',
  '漢',
  '😀',
  '\\u000a',
];

/** Text with every kind of trouble in it. */
export const hostile: fc.Arbitrary<string> = fc.oneof(
  fc.array(fc.constantFrom(...NASTY, 'a', 'b@example.org'), { maxLength: 12 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.emailAddress(),
);

/** Characters that must never reach a log as they are. */
export const UNSAFE: RegExp = /[\p{C}\p{Zl}\p{Zp}]|[^\S ]/u;

/** Reads a line of logfmt; throws if it is not made of pairs alone. */
export function parseLogfmt(line: string): Record<string, string> {
  const fields: Record<string, string> = {};
  let rest = line;
  while (rest !== '') {
    const pair = /^(?<key>[\w.-]+)=(?:(?<quoted>"(?:[^"\\]|\\.)*")|(?<bare>[^\s"=\\]+))(?: |$)/u.exec(rest);
    if (!pair?.groups) throw new Error(`not logfmt from here on: ${JSON.stringify(rest)}`);
    const { key = '', quoted, bare } = pair.groups;
    if (key in fields) throw new Error(`${key} twice`);
    fields[key] = quoted === undefined ? (bare ?? '') : JSON.parse(quoted);
    rest = rest.slice(pair[0].length);
  }
  return fields;
}
