/**
 * Changes to a message, asked for at its end. They are collected while the handler runs and sent in one write together with its
 * verdict; a verdict that refuses the message drops them. An edit that was not negotiated throws `EditError`.
 */
import { type Action, ActionBit, CHUNK_SIZE, Response } from './constants.ts';
import { encodeFrame } from './frame-parser.ts';
import { encodeStrings } from './text.ts';

/** An edit that is not negotiated, or malformed. */
export class EditError extends Error {
  override readonly name = 'EditError';
}

interface AllEdits {
  readonly addHeaders: {
    /** Appends a header. Folding in `value` is LF and white space. */
    addHeader(name: string, value: string): void;
    /** Inserts a header; index 0 is the very top, above the MTA's own Received. */
    insertHeader(index: number, name: string, value: string): void;
  };
  readonly changeHeaders: {
    /** Changes the `occurrence`th (from 1) header of that name as received. */
    changeHeader(name: string, occurrence: number, value: string): void;
    deleteHeader(name: string, occurrence: number): void;
  };
  readonly addRecipients: { addRecipient(address: string): void };
  readonly addRecipientsWithArguments: { addRecipientWithArguments(address: string, args: string): void };
  readonly deleteRecipients: { deleteRecipient(address: string): void };
  readonly changeSender: { changeSender(address: string, args?: string): void };
  readonly replaceBody: {
    /** A new body in place of the old one; its lines end in CRLF. */
    replaceBody(body: Uint8Array | string): void;
  };
  readonly quarantine: { quarantine(reason: string): void };
}
type Intersection<U> = (U extends unknown ? (member: U) => void : never) extends (all: infer I) => void ? I : never;

/** The edits that a list of actions allows. */
export type Edits<A extends Action> = [A] extends [never] ? object : Intersection<AllEdits[A]>;

const HEADER_NAME = /^[\x21-\x39\x3b-\x7e]+$/; // RFC 5322 section 2.2: printable ASCII without colon

export class EditList implements AllEditMethods {
  readonly #allowed: number;
  readonly #packets: Uint8Array[] = [];
  readonly #body: Uint8Array[] = [];
  #quarantine: Uint8Array | undefined;

  /** @param allowed the negotiated action bits. */
  constructor(allowed: number) {
    this.#allowed = allowed;
  }

  /** Everything collected, in an order both MTAs take: envelope and headers, one run of body packets, quarantine. */
  packets(): readonly Uint8Array[] {
    const tail = this.#quarantine === undefined ? [] : [this.#quarantine];
    return [...this.#packets, ...this.#body, ...tail];
  }

  /** Forgets everything collected: the handler failed. */
  clear(): void {
    this.#packets.length = 0;
    this.#body.length = 0;
    this.#quarantine = undefined;
  }

  addHeader(name: string, value: string): void {
    this.#check('addHeaders');
    this.#add(Response.addHeader, header(name, value));
  }

  insertHeader(index: number, name: string, value: string): void {
    this.#check('addHeaders');
    this.#add(Response.insertHeader, uint32(index, 0), header(name, value));
  }

  changeHeader(name: string, occurrence: number, value: string): void {
    this.#check('changeHeaders');
    this.#add(Response.changeHeader, uint32(occurrence, 1), header(name, value));
  }

  deleteHeader(name: string, occurrence: number): void {
    this.changeHeader(name, occurrence, '');
  }

  addRecipient(address: string): void {
    this.#check('addRecipients');
    this.#add(Response.addRecipient, encodeStrings(bracketed(address)));
  }

  addRecipientWithArguments(address: string, args: string): void {
    this.#check('addRecipientsWithArguments');
    this.#add(Response.addRecipientWithArguments, encodeStrings(bracketed(address), singleLine(args)));
  }

  deleteRecipient(address: string): void {
    this.#check('deleteRecipients');
    this.#add(Response.deleteRecipient, encodeStrings(bracketed(address)));
  }

  changeSender(address: string, args?: string): void {
    this.#check('changeSender');
    const strings = args === undefined ? [bracketed(address)] : [bracketed(address), singleLine(args)];
    this.#add(Response.changeSender, encodeStrings(...strings));
  }

  replaceBody(body: Uint8Array | string): void {
    this.#check('replaceBody');
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    for (let at = 0; at === 0 || at < bytes.length; at += CHUNK_SIZE) {
      this.#body.push(encodeFrame(Response.replaceBody, bytes.subarray(at, at + CHUNK_SIZE)));
    }
  }

  quarantine(reason: string): void {
    this.#check('quarantine');
    this.#quarantine = packet(Response.quarantine, encodeStrings(singleLine(reason)));
  }

  #add(response: number, ...parts: readonly Uint8Array[]): void {
    this.#packets.push(packet(response, ...parts));
  }

  #check(action: Action): void {
    if ((this.#allowed & ActionBit[action]) === 0)
      throw new EditError(`action ${action} was not negotiated with the MTA`);
  }
}

type AllEditMethods = Intersection<AllEdits[Action]>;

function packet(response: number, ...parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  if (size > CHUNK_SIZE) throw new EditError(`edit of ${size} bytes: MTAs take at most ${CHUNK_SIZE}`);
  return encodeFrame(response, ...parts);
}

function header(name: string, value: string): Buffer {
  if (!HEADER_NAME.test(name))
    throw new EditError(`header name ${JSON.stringify(name)}: expected printable ASCII, no colon`);
  if (/\r|\0|\n(?![ \t])/.test(value)) {
    throw new EditError(`value of header ${name}: CR, NUL and LF without white space behind it are not allowed`);
  }
  return encodeStrings(name, value);
}

function singleLine(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new EditError(`line break or NUL in ${JSON.stringify(text)}`);
  return text;
}

function bracketed(address: string): string {
  const line = singleLine(address);
  return line.startsWith('<') && line.endsWith('>') ? line : `<${line}>`;
}

function uint32(value: number, least: number): Buffer {
  // Postfix reads it as a signed number.
  if (!Number.isInteger(value) || value < least || value > 0x7fff_ffff) {
    throw new EditError(`header index ${value}: expected a whole number from ${least}`);
  }
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
