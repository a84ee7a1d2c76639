/**
 * The loader: holds the lists in force and loads them anew. Whoever decides takes `current` once and keeps it for as long as
 * one decision, or one message, lasts.
 */
import { type AddressList, loadAddressLists } from './address-list.ts';

export class ListLoader<Name extends string> {
  readonly #files: Readonly<Record<Name, readonly string[]>>;
  #current: Readonly<Record<Name, AddressList>>;
  #reloads = 0;
  /** Which reload `#current` came from. */
  #inForce = 0;

  private constructor(files: Readonly<Record<Name, readonly string[]>>, lists: Readonly<Record<Name, AddressList>>) {
    this.#files = files;
    this.#current = lists;
  }

  /** Loads the lists for the first time, each from its files; no files make an empty list. @throws ListError */
  static async open<Name extends string>(files: Readonly<Record<Name, readonly string[]>>): Promise<ListLoader<Name>> {
    return new ListLoader(files, await loadAddressLists(files));
  }

  /** The lists in force. */
  get current(): Readonly<Record<Name, AddressList>> {
    return this.#current;
  }

  /** Loads all lists anew and puts them in force together. If anything is wrong, all old ones stay. @throws ListError */
  async reload(): Promise<void> {
    const turn = ++this.#reloads;
    const lists = await loadAddressLists(this.#files);
    // Reloads may overtake each other; what a later one has read is newer.
    if (turn < this.#inForce) return;
    this.#inForce = turn;
    this.#current = lists;
  }
}
