/**
 * Haste: who comes back every few seconds, or again after it was told "never", behaves like no mail server. Pure. Time is
 * monotonic, in milliseconds: nothing of this outlives the process.
 *
 * Attempts less than a second apart count once: a server with several messages for one recipient tries them together.
 */

export interface HasteRules {
  /** Hurried retries that are too many; at least 1. */
  readonly retries: number;
  /** A retry within so many milliseconds of the attempt before is hurried. */
  readonly within: number;
}

export interface Haste {
  /** When the last attempt was. */
  readonly last: number;
  readonly hurried: number;
  /** When it was refused with a 5xx, if that was the last answer. */
  readonly refused: number | undefined;
  readonly hasty: boolean;
}

const TOGETHER = 1_000;
/** Who comes again within this time after a 5xx went on in spite of it; later it may be another message. */
const AFTER_REFUSAL = 600_000;
/** What a client did is forgotten when it was silent for so long. */
const FORGET = 86_400_000;

/** What is known after one more attempt at `now`. */
export function attempted(haste: Haste | undefined, now: number, { retries, within }: HasteRules): Haste {
  if (haste === undefined || now - haste.last > FORGET) {
    return { last: now, hurried: 0, refused: undefined, hasty: false };
  }
  const pause = now - haste.last;
  if (pause < TOGETHER) return haste;
  const hurried = haste.hurried + (pause <= within ? 1 : 0);
  const wentOn = haste.refused !== undefined && now - haste.refused <= AFTER_REFUSAL;
  return { last: now, hurried, refused: undefined, hasty: haste.hasty || wentOn || hurried >= retries };
}

/** What is known after a 5xx to an attempt at `now`. */
export function refused(haste: Haste | undefined, now: number): Haste {
  return { hurried: 0, hasty: false, ...haste, last: now, refused: now };
}
