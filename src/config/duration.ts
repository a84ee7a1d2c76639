/**
 * Durations as people write them: `300` (seconds), `5m`, `2d`, `1h30m`, `500ms`.
 */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const WHOLE = /^(?:\d{1,12}(?:ms|[smhdw]))+$/;
const PART = /(\d+)(ms|[smhdw])/g;
/** A hundred years: more is a slip, and would not fit where seconds are counted. */
const LONGEST = 36_525 * 86_400_000;

const SYNTAX = 'seconds, or numbers with units w d h m s ms, largest first, such as 300, 5m or 1h30m';

/** The duration in milliseconds. Throws a `RangeError` that names the text and what was expected. */
export function parseDuration(text: string): number {
  const milliseconds = /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : sumOfParts(text);
  if (milliseconds === undefined) throw new RangeError(`'${text}' is not a duration: expected ${SYNTAX}`);
  if (milliseconds > LONGEST) throw new RangeError(`'${text}' is too long a duration: at most a hundred years`);
  return milliseconds;
}

function sumOfParts(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  let sum = 0;
  let last = Number.POSITIVE_INFINITY;
  for (const [, digits = '', unit = ''] of text.matchAll(PART)) {
    const size = UNITS[unit] ?? 0;
    if (size >= last) return undefined; // `5m1h`, `5m5m`: a slip more likely than a wish
    last = size;
    sum += Number(digits) * size;
  }
  return sum;
}

/** The duration as people write it, in its units from the largest that it has: `1h30m`. */
export function formatDuration(milliseconds: number): string {
  let rest = milliseconds;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = UNITS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0' : text;
}
