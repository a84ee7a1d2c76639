/**
 * What a milter answered, as values: the MTA's reading of replies and of the edits at end of message.
 */
import { Response } from './constants.ts';
import { ProtocolError } from './protocol-error.ts';
import { decodeStrings, decodeText } from './text.ts';

export type MilterReply =
  | { readonly kind: 'proceed' | 'accept' | 'reject' | 'tempfail' | 'discard' | 'skip' }
  /** `text` is what the SMTP client would read, all lines, `%%` undone. */
  | { readonly kind: 'reply'; readonly code: number; readonly text: string }
  /** The milter does not want this event: it was not sent. */
  | { readonly kind: 'not-wanted' }
  /** The milter does not answer this event: nothing was waited for. */
  | { readonly kind: 'no-reply' };

export type Edit =
  | { readonly kind: 'progress' }
  | { readonly kind: 'add-header'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'insert-header' | 'change-header';
      readonly index: number;
      readonly name: string;
      readonly value: string;
    }
  | { readonly kind: 'add-recipient' | 'delete-recipient' | 'change-sender'; readonly argv: readonly string[] }
  | { readonly kind: 'replace-body'; readonly chunk: Buffer }
  | { readonly kind: 'quarantine'; readonly reason: string };

const PLAIN: Readonly<Record<number, 'proceed' | 'accept' | 'reject' | 'tempfail' | 'discard' | 'skip'>> = {
  [Response.proceed]: 'proceed',
  [Response.accept]: 'accept',
  [Response.reject]: 'reject',
  [Response.tempfail]: 'tempfail',
  [Response.discard]: 'discard',
  [Response.skip]: 'skip',
};

/** Reads a final reply. Throws `ProtocolError` for what is none. */
export function decodeReply(command: number, data: Buffer): MilterReply {
  const kind = PLAIN[command];
  if (kind !== undefined) {
    if (data.length > 0) throw new ProtocolError(`reply "${kind}" with ${data.length} bytes of data: expected none`);
    return { kind };
  }
  if (command !== Response.replyCode) throw new ProtocolError(`unknown reply 0x${command.toString(16)}`);
  if (data.indexOf(0) !== data.length - 1) throw new ProtocolError('reply text without exactly one NUL, at its end');
  const text = decodeText(data, 0, data.length - 1);
  const code = /^([45]\d\d)[ -]/.exec(text)?.[1];
  if (code === undefined) throw new ProtocolError(`reply text ${JSON.stringify(text)}: expected 4xx or 5xx`);
  return { kind: 'reply', code: Number(code), text: text.replaceAll('%%', '%') };
}

/** Reads an edit; undefined if it is none. */
export function decodeEdit(command: number, data: Buffer): Edit | undefined {
  switch (command) {
    case Response.progress:
      return { kind: 'progress' };
    case Response.addHeader: {
      const [name = '', value = ''] = decodeStrings(data, 0, data.length);
      return { kind: 'add-header', name, value };
    }
    case Response.insertHeader:
    case Response.changeHeader: {
      if (data.length < 4) throw new ProtocolError(`header edit with ${data.length} bytes of data: expected an index`);
      const [name = '', value = ''] = decodeStrings(data, 4, data.length);
      const kind = command === Response.insertHeader ? 'insert-header' : 'change-header';
      return { kind, index: data.readUInt32BE(0), name, value };
    }
    case Response.addRecipient:
    case Response.addRecipientWithArguments:
      return { kind: 'add-recipient', argv: decodeStrings(data, 0, data.length) };
    case Response.deleteRecipient:
      return { kind: 'delete-recipient', argv: decodeStrings(data, 0, data.length) };
    case Response.changeSender:
      return { kind: 'change-sender', argv: decodeStrings(data, 0, data.length) };
    case Response.replaceBody:
      return { kind: 'replace-body', chunk: data };
    case Response.quarantine:
      return { kind: 'quarantine', reason: decodeStrings(data, 0, data.length)[0] ?? '' };
    default:
      return undefined;
  }
}
