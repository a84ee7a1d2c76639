/**
 * A question: one envelope, with its parts in the form that patterns are compared with. Rules and lists look at the same parts,
 * so each is taken apart once, when first looked at.
 */
import { MailSubject, NameSubject, WordSubject } from '../lists/subject.ts';
import { nameSubject } from './client-name.ts';
import type { Envelope } from './envelope.ts';

export class Question {
  readonly envelope: Envelope;
  #sender: MailSubject | undefined;
  #recipient: MailSubject | undefined;
  #helo: NameSubject | undefined;
  #user: WordSubject | undefined;

  constructor(envelope: Envelope) {
    this.envelope = envelope;
  }

  get sender(): MailSubject {
    this.#sender ??= new MailSubject(this.envelope.sender);
    return this.#sender;
  }

  get recipient(): MailSubject {
    this.#recipient ??= new MailSubject(this.envelope.recipient);
    return this.#recipient;
  }

  get helo(): NameSubject | undefined {
    if (this.envelope.helo === undefined) return undefined;
    this.#helo ??= new NameSubject(this.envelope.helo);
    return this.#helo;
  }

  get user(): WordSubject | undefined {
    if (this.envelope.authenticated === undefined) return undefined;
    this.#user ??= new WordSubject(this.envelope.authenticated);
    return this.#user;
  }

  /** The name that the MTA gave for the client's address; nobody has confirmed it here. */
  get name(): NameSubject | undefined {
    return nameSubject(this.envelope.session);
  }

  /** Whether the client may have a name after all: the MTA could not find out. */
  get nameUnknown(): boolean {
    return this.name === undefined && this.envelope.macros.get('client_resolve') === 'TEMP';
  }

  /** Whether the MTA leaves open why there is no name: Postfix never tells. */
  get nameUnexplained(): boolean {
    return this.name === undefined && (this.envelope.macros.get('client_resolve') ?? '') === '';
  }
}

let last: Question | undefined;

/** The question of an envelope. The checks ask about one envelope one after the other: the last one is kept. */
export function questionOf(envelope: Envelope): Question {
  if (last?.envelope !== envelope) last = new Question(envelope);
  return last;
}
