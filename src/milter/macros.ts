/**
 * Macros: names and values the MTA tells before each command. A packet replaces what its stage had; a new command makes the
 * macros of the later stages stale. Payloads are kept as they came, and read when asked: most are never asked for.
 */
import { Command } from './constants.ts';
import { decodeText, encodeText } from './text.ts';

/** What a handler may ask. `get('i')`, `get('{i}')` and `get('auth_authen')`, `get('{auth_authen}')` are the same. */
export interface Macros {
  /** The value in the newest stage that has it; undefined if no stage has it. May be empty. */
  get(name: string): string | undefined;
}

/** Bytes of macros kept a stage. MTAs tell some hundred; more than this is meant to fill the memory. */
const MOST_BYTES = 16_384;

/** Newest first: where `get` looks. Macros of UNKNOWN belong to no message. */
const ORDER: readonly number[] = [
  Command.endOfMessage,
  Command.body,
  Command.endOfHeader,
  Command.header,
  Command.data,
  Command.rcpt,
  Command.mail,
  Command.helo,
  Command.connect,
];
const RANK: readonly number[] = ranks();

function ranks(): number[] {
  const table = new Array<number>(256).fill(-1);
  ORDER.forEach((command, index) => {
    table[command] = ORDER.length - 1 - index;
  });
  return table;
}

export class MacroStore implements Macros {
  /** By rank, in force: payloads as Latin-1 text. */
  readonly #stages: (string | undefined)[] = [];
  /** By rank, told ahead of the command they belong to. They come into force with it. */
  readonly #told: (string | undefined)[] = [];

  /** Takes a macro packet: the command byte it belongs to, then names and values. Too many bytes count as none. */
  put(buffer: Buffer, start: number, end: number): void {
    const rank = start < end ? RANK[buffer[start] as number] : undefined;
    if (rank === undefined || rank < 0) return;
    this.#told[rank] = end - start <= MOST_BYTES ? buffer.toString('latin1', start + 1, end) : '';
  }

  /**
   * A command has come: what its stage and the later ones were told for earlier commands is stale. Macros told ahead of
   * time for a later stage wait: some MTAs send those of MAIL before an implied HELO. Those of an earlier stage are in force
   * from now on: Postfix sends them also for events that are not wanted.
   */
  arrived(command: number): void {
    const own = RANK[command] as number;
    if (own < 0) return;
    for (let rank = 0; rank < own; rank++) {
      if (this.#told[rank] !== undefined) {
        this.#stages[rank] = this.#told[rank];
        this.#told[rank] = undefined;
      }
    }
    this.#stages[own] = this.#told[own];
    this.#told[own] = undefined;
    for (let rank = own + 1; rank < ORDER.length; rank++) this.#stages[rank] = undefined;
  }

  /** Forgets the macros of `command` and of all later stages. */
  clearFrom(command: number): void {
    for (let rank = RANK[command] as number; rank < ORDER.length; rank++) {
      this.#stages[rank] = undefined;
      this.#told[rank] = undefined;
    }
  }

  get(name: string): string | undefined {
    const bare = bareName(name);
    for (let rank = ORDER.length - 1; rank >= 0; rank--) {
      const stage = this.#stages[rank];
      const value = stage === undefined ? undefined : valueIn(stage, bare);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** Pairs of names and values, each ended by a NUL. Of a name told twice the last counts; one without a value is dropped, as by libmilter. */
function valueIn(payload: string, bare: string): string | undefined {
  if (!payload.includes(bare)) return undefined;
  let found: string | undefined;
  for (let at = 0; at < payload.length; ) {
    const nameEnd = payload.indexOf('\0', at);
    if (nameEnd < 0 || nameEnd + 1 >= payload.length) break;
    const next = payload.indexOf('\0', nameEnd + 1);
    const valueEnd = next < 0 ? payload.length : next;
    if (bareName(payload.slice(at, nameEnd)) === bare) found = payload.slice(nameEnd + 1, valueEnd);
    at = valueEnd + 1;
  }
  return found === undefined ? undefined : textOf(found);
}

const HIGH = /[\x80-\xff]/;

function textOf(latin1: string): string {
  if (!HIGH.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, 'latin1');
  return decodeText(bytes, 0, bytes.length);
}

/** A macro's name without its braces. */
function bareName(name: string): string {
  return name.startsWith('{') && name.endsWith('}') ? name.slice(1, -1) : name;
}

/** Sendmail sends `{auth_authen}` and `{auth_author}` in xtext (RFC 3461 section 4): `+3D` is `=`. */
export function decodeXtext(text: string): string {
  const encoded = encodeText(text).toString('latin1');
  const bytes = Buffer.from(
    encoded.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  return decodeText(bytes, 0, bytes.length);
}
