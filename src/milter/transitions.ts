/**
 * The table of legal transitions: which command may come in which phase, and the phase after it. A command that is not in the
 * table is answered "continue" where an answer is due and otherwise ignored; libmilter drops it in silence, which leaves the MTA waiting.
 */
import { Command } from './constants.ts';

/**
 * `start`: nothing negotiated · `open`: waiting for CONNECT · `connected`: no message · `message`: after MAIL ·
 * `content`: after the first command behind the recipients.
 */
export type Phase = 'start' | 'open' | 'connected' | 'message' | 'content';

const OUTSIDE = { [Command.helo]: 'connected', [Command.mail]: 'message', [Command.connect]: 'connected' } as const;
const CONTENT = {
  [Command.data]: 'content',
  [Command.header]: 'content',
  [Command.endOfHeader]: 'content',
  [Command.body]: 'content',
  [Command.endOfMessage]: 'connected',
} as const;

const TABLE: Readonly<Record<Phase, Readonly<Partial<Record<number, Phase>>>>> = {
  start: {},
  open: { [Command.connect]: 'connected', [Command.unknown]: 'open' },
  connected: { ...OUTSIDE, [Command.unknown]: 'connected' },
  message: { ...OUTSIDE, ...CONTENT, [Command.rcpt]: 'message', [Command.unknown]: 'message' },
  content: { ...OUTSIDE, ...CONTENT },
};

/** The phase after `command`, or undefined if it may not come now. */
export function nextPhase(phase: Phase, command: number): Phase | undefined {
  return TABLE[phase][command];
}
