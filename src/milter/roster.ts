/**
 * The links that are open, in no order. Not a `Set`: when one that lives long and changes often is laid out anew, V8's old layout
 * still holds those that were in it then, and points to the next. Once the first has grown old, all that follow hang on to
 * it, and many links that were closed long ago fill the memory until the next full collection.
 */
export interface Listed {
  /** Where it stands in its roster; only the roster writes it. */
  place: number;
}

export class Roster<T extends Listed> {
  readonly #all: T[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(one: T): void {
    one.place = this.#all.length;
    this.#all.push(one);
  }

  /** Does nothing if it is not in here. */
  delete(one: T): void {
    if (this.#all[one.place] !== one) return;
    const last = this.#all.pop() as T;
    if (last === one) return;
    this.#all[one.place] = last;
    last.place = one.place;
  }

  /** Calls `visit` with each; it may delete the one it is called with. */
  each(visit: (one: T) => void): void {
    // From the end, since the last takes the place of one that goes.
    for (let place = this.#all.length - 1; place >= 0; place--) {
      const one = this.#all[place];
      if (one !== undefined) visit(one);
    }
  }
}
