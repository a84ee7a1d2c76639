/**
 * The forms of keys a database has been written with: the one in use, and those before it for as long as something stored
 * under them can be alive. They are remembered beside the triplets, so that a change is noticed over a restart too.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import type { FormerForm } from './former-keys.ts';
import type { KeyForm } from './triplet.ts';

/** Where the forms are remembered, as one text. Both may fail with a `StoreError`. */
export interface FormMemory {
  read(): string | undefined;
  write(text: string): Promise<void>;
}

export interface KeyFormsOptions {
  readonly memory: FormMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface State {
  readonly current: KeyForm | undefined;
  /** The latest first. */
  readonly former: readonly FormerForm[];
}

/** Whoever changes the prefix more often within a lifetime makes the oldest form's triplets wait once more. */
const MOST = 4;
/** Milliseconds until what could not be written is tried again. */
const RETRY = 5_000;

export class KeyForms {
  readonly #options: KeyFormsOptions;
  #state: State | undefined;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: KeyFormsOptions) {
    this.#options = options;
  }

  /** Puts a form in use, and tells which ones are to be tried besides. `lifetime`, in milliseconds, is that of a passed triplet. */
  use(form: KeyForm, lifetime: number): readonly FormerForm[] {
    const before = this.#state ?? this.#read();
    const now = this.#options.clock.now();
    const alive = before.former.filter(({ until, form: other }) => until >= now && !isSame(other, form));
    const isNew = before.current !== undefined && !isSame(before.current, form);
    const replaced = isNew ? [{ form: before.current, until: now + lifetime }] : [];
    const former = [...replaced, ...alive].slice(0, MOST);
    this.#state = { current: form, former };
    if (isNew || before.current === undefined || former.length < before.former.length) this.#write();
    return former;
  }

  /** Does not try any longer to write what could not be written. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #read(): State {
    const { memory, logger } = this.#options;
    try {
      const text = memory.read();
      return text === undefined ? nothing : parse(text);
    } catch (error) {
      logger.warn('can not tell how triplets were stored before: some may have to wait again', {
        cause: String(error),
      });
      return nothing;
    }
  }

  #write(): void {
    this.#cancel?.();
    const { memory, timers, logger } = this.#options;
    const state = this.#state;
    memory.write(JSON.stringify(state)).catch((error: unknown) => {
      if (this.#closed || state !== this.#state) return;
      logger.warn('can not note down how triplets are stored, will try again', { cause: String(error) });
      this.#cancel = timers.after(RETRY, () => this.#write());
    });
  }
}

const nothing: State = { current: undefined, former: [] };

function isSame(one: KeyForm, other: KeyForm): boolean {
  const { prefix4, prefix6, senderKey = 'normalized' } = other;
  return one.prefix4 === prefix4 && one.prefix6 === prefix6 && (one.senderKey ?? 'normalized') === senderKey;
}

/** Throws for a text that is none of ours. */
function parse(text: string): State {
  const { current, former } = JSON.parse(text) as { current: unknown; former: unknown };
  if (!isForm(current) || !Array.isArray(former)) throw new Error(`"${text}" is not how it is noted down`);
  return { current, former: former.filter(isFormer) };
}

function isFormer(value: unknown): value is FormerForm {
  const { form, until } = (value ?? {}) as Partial<Record<keyof FormerForm, unknown>>;
  return typeof until === 'number' && isForm(form);
}

function isForm(value: unknown): value is KeyForm {
  const { prefix4, prefix6, senderKey } = (value ?? {}) as Partial<Record<keyof KeyForm, unknown>>;
  const known = senderKey === undefined || senderKey === 'normalized' || senderKey === 'exact';
  return known && isLength(prefix4, 32) && isLength(prefix6, 128);
}

function isLength(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}
