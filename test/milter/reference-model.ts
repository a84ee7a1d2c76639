/**
 * The golden rule in its plainest form, written apart from the library: which answers are due for a stream of bytes. It knows
 * nothing of handlers, messages or phases; only which commands are answered, and where the connection ends.
 */

export interface Due {
  /** The command bytes that are owed a final answer, in order. */
  readonly commands: string;
  /** Whether the milter must have closed the connection by now. */
  readonly closed: boolean;
  /** How many bytes it took to say so; nothing behind them matters. */
  readonly taken: number;
}

/** The bit by which the MTA does without an answer; 0 where it never does. */
const ANSWERED: Readonly<Record<string, number>> = {
  C: 0x1000,
  H: 0x2000,
  M: 0x4000,
  R: 0x8000,
  T: 0x10000,
  U: 0x20000,
  N: 0x40000,
  B: 0x80000,
  L: 0x80,
  E: 0,
};
const UNANSWERED = 'DAK';

/** What the milter wants: the largest length it takes, protocol bits it would like, actions it can't do without. */
export interface Wants {
  readonly limit: number;
  readonly protocol: number;
  readonly actions: number;
}

/** @param bytes all that the MTA sent. */
export function answersDue(bytes: Buffer, { limit, protocol, actions }: Wants): Due {
  let commands = '';
  let agreed: number | undefined;
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    if (length < 1 || length > limit) return { commands, closed: true, taken: at + 4 };
    if (at + 4 + length > bytes.length) break;
    const command = bytes.toString('latin1', at + 4, at + 5);
    const data = bytes.subarray(at + 5, at + 4 + length);
    at += 4 + length;
    const closed = { commands, closed: true, taken: at };
    if (command === 'O') {
      if (agreed !== undefined || data.length < 12 || data.readUInt32BE(0) < 2) return closed;
      if ((actions & ~(data.readUInt32BE(4) || 0x0f)) !== 0) return closed;
      agreed = data.readUInt32BE(8) & protocol;
      commands += 'O';
      continue;
    }
    if (UNANSWERED.includes(command)) continue;
    const bit = ANSWERED[command];
    if (bit === undefined || agreed === undefined) return closed;
    if ((agreed & bit) === 0) commands += command;
  }
  return { commands, closed: false, taken: at };
}

/** Which final answers fit a command. `O` is answered by `O`. */
const FITTING: Readonly<Record<string, string>> = { O: 'O', C: 'carty', H: 'carty', U: 'crty', B: 'cardtys' };
const EDITS = 'himb+2-eqp';

/** Throws unless the answers are exactly one fitting final answer for each command due, edits only at the end of a message. */
export function assertAnswers(due: Due, answers: readonly string[]): void {
  let next = 0;
  for (const answer of answers) {
    const kind = answer[0] ?? '';
    const command = due.commands[next] ?? '';
    if (command === 'E' && EDITS.includes(kind)) continue;
    if (command === '') throw new Error(`answer ${next + 1}, ${JSON.stringify(answer)}, is one too many`);
    if (!(FITTING[command] ?? 'cardty').includes(kind)) {
      throw new Error(`answer ${next + 1}, ${JSON.stringify(answer)}, does not fit command ${command}`);
    }
    if (kind !== 'y' && kind !== 'O' && answer.length > 1) {
      throw new Error(`answer ${next + 1}, ${JSON.stringify(answer)}, has data`);
    }
    next += 1;
  }
  if (next < due.commands.length) {
    throw new Error(`${due.commands.length - next} answers are missing, the first to command ${due.commands[next]}`);
  }
}
