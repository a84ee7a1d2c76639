/**
 * What a command printed, for looking at.
 */
import type { Output } from '../../src/cli/output.ts';

export class CapturedOutput implements Output {
  printed = '';
  complained = '';

  out(text: string): void {
    this.printed += text;
  }

  err(text: string): void {
    this.complained += text;
  }
}
