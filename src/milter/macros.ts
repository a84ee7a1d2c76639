/**
 * Macros: names and values the MTA tells before each command. A packet replaces what its stage had; a new command makes the
 * macros of the later stages stale. Payloads are kept as they came and parsed when first asked.
 */
import { Command } from './constants.ts';
import { decodeText } from './text.ts';

/** What a handler may ask. `get('i')`, `get('{i}')` and `get('auth_authen')`, `get('{auth_authen}')` are the same. */
export interface Macros {
  /** The value in the newest stage that has it; undefined if no stage has it. May be empty. */
  get(name: string): string | undefined;
}

type StageSet = Map<string, string>;

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
  /** By rank: undefined, the payload as Latin-1 text, or the parsed set. */
  readonly #stages: (string | StageSet | undefined)[] = new Array(ORDER.length).fill(undefined);
  /** Bit per rank: told, but the command it belongs to has not come yet. */
  #early = 0;

  /** Takes a macro packet: the command byte it belongs to, then names and values. An unknown command is ignored. */
  put(buffer: Buffer, start: number, end: number): void {
    const rank = start < end ? RANK[buffer[start] as number] : undefined;
    if (rank === undefined || rank < 0) return;
    this.#stages[rank] = start + 1 === end ? undefined : buffer.toString('latin1', start + 1, end);
    this.#early |= 1 << rank;
  }

  /**
   * A command has come: what its stage and the later ones were told for earlier commands is stale. Macros told ahead of
   * time stay: some MTAs send those of MAIL before an implied HELO.
   */
  arrived(command: number): void {
    const own = RANK[command] as number;
    if (own < 0) return;
    for (let rank = own; rank < ORDER.length; rank++) {
      if ((this.#early & (1 << rank)) === 0) this.#stages[rank] = undefined;
    }
    this.#early &= ~(1 << own);
  }

  /** Forgets the macros of `command` and of all later stages. */
  clearFrom(command: number): void {
    for (let rank = RANK[command] as number; rank < ORDER.length; rank++) {
      this.#stages[rank] = undefined;
      this.#early &= ~(1 << rank);
    }
  }

  get(name: string): string | undefined {
    const bare = name.startsWith('{') && name.endsWith('}') ? name.slice(1, -1) : name;
    for (let rank = ORDER.length - 1; rank >= 0; rank--) {
      let stage = this.#stages[rank];
      if (stage === undefined) continue;
      if (typeof stage === 'string') {
        if (!stage.includes(bare)) continue;
        stage = parse(stage);
        this.#stages[rank] = stage;
      }
      const value = stage.get(bare);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** Pairs of names and values; a last name without a value is dropped, as libmilter does. */
function parse(payload: string): StageSet {
  const set: StageSet = new Map();
  const strings = payload.split('\0');
  for (let at = 0; at + 1 < strings.length; at += 2) {
    const name = strings[at] as string;
    const bytes = Buffer.from(strings[at + 1] as string, 'latin1');
    const bare = name.startsWith('{') && name.endsWith('}') ? name.slice(1, -1) : name;
    set.set(bare, decodeText(bytes, 0, bytes.length));
  }
  return set;
}

/** Sendmail sends `{auth_authen}` and `{auth_author}` in xtext (RFC 3461 section 4): `+3D` is `=`. */
export function decodeXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
