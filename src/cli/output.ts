/** Where a command prints; each text ends in a line feed. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}
