/**
 * A watch on how much a zone lists: one that lists nearly everybody is probably broken, though its self-test passes. It only
 * warns; a list of dial-up ranges on a box that spammers love may be right.
 */

const clients = 200;
const limit = 0.98;

export class ListedShare {
  /** The last distinct clients, oldest first, and whether each was listed. */
  readonly #clients = new Map<string, boolean>();
  #listed = 0;
  #warned = false;

  /** Remembers one client; true when the share goes above the limit, once until it was below again. */
  add(client: string, listed: boolean): boolean {
    if (this.#clients.has(client)) return false;
    this.#clients.set(client, listed);
    if (listed) this.#listed++;
    if (this.#clients.size > clients) {
      const [oldest] = this.#clients.entries();
      if (oldest?.[1]) this.#listed--;
      this.#clients.delete(oldest?.[0] ?? '');
    }
    const above = this.#clients.size === clients && this.#listed > limit * clients;
    const news = above && !this.#warned;
    this.#warned = above;
    return news;
  }
}
