/**
 * Spans of the week in local time: `mon-fri 08:00-18:00`, `sat,sun`, `22:00-06:00`. A span over midnight belongs to the day it
 * begins on; both ends of a range of days belong to it, of hours the first.
 */

export interface TimeSpan {
  /** 0 is Sunday, as for `Date`. */
  readonly days: readonly number[];
  /** Minutes since midnight; `until` is not in it, and at or below `from` it is tomorrow's. */
  readonly from: number;
  readonly until: number;
}

const names: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const everyDay: readonly number[] = [0, 1, 2, 3, 4, 5, 6];
const wholeDay = 1_440;
const expected = 'expected days, hours or both, such as mon-fri 08:00-18:00, sat,sun or 22:00-06:00';

/** @throws RangeError */
export function parseTimeSpan(text: string): TimeSpan {
  const words = text.trim().toLowerCase().split(/\s+/);
  const hours = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(words.at(-1) ?? '');
  const dayWords = hours ? words.slice(0, -1) : words;
  if (dayWords.length > 1) throw new RangeError(expected);
  const days = dayWords[0] === undefined ? everyDay : dayWords[0].split(',').flatMap(parseDays);
  if (!hours) return { days, from: 0, until: wholeDay };
  const [from, until] = [minuteOf(hours[1], hours[2]), minuteOf(hours[3], hours[4])];
  if (from === wholeDay) throw new RangeError('expected the first time to be before 24:00');
  return { days, from, until };
}

/** Whether the time, in epoch milliseconds, lies in the span. */
export function isWithin({ days, from, until }: TimeSpan, now: number): boolean {
  const local = new Date(now);
  const minute = local.getHours() * 60 + local.getMinutes();
  const day = local.getDay();
  if (from < until) return days.includes(day) && minute >= from && minute < until;
  if (minute >= from) return days.includes(day);
  return minute < until && days.includes((day + 6) % 7);
}

function parseDays(text: string): readonly number[] {
  const [first, last, ...more] = text.split('-').map(name => names.indexOf(name));
  if (first === undefined || first === -1 || last === -1 || more.length > 0) throw new RangeError(expected);
  if (last === undefined) return [first];
  return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, index) => (first + index) % 7);
}

function minuteOf(hour = '', minute = ''): number {
  const minutes = Number(hour) * 60 + Number(minute);
  if (Number(minute) > 59 || minutes > wholeDay)
    throw new RangeError(`${expected}; ${hour}:${minute} is no time of day`);
  return minutes;
}
