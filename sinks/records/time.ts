const DAY_MS = 86_400_000;

/** The last two days asked for, as records about midnight speak of both. */
const days = [NaN, NaN];
const dates = ['', ''];

/** `2026-11-24`. */
function dateOf(day: number): string {
  const slot = day & 1;
  if (days[slot] !== day) {
    dates[slot] = new Date(day * DAY_MS).toISOString().slice(0, -14);
    days[slot] = day;
  }
  return dates[slot]!;
}

const two = (value: number): string => (value < 10 ? '0' + value : String(value));

/** What `Date.prototype.toISOString` gives, at a fifth of its cost: every document holds several. */
export function isoTime(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  let rest = ms - day * DAY_MS;
  const hours = Math.floor(rest / 3_600_000);
  rest -= hours * 3_600_000;
  const minutes = Math.floor(rest / 60_000);
  rest -= minutes * 60_000;
  const seconds = Math.floor(rest / 1000);
  const millis = rest - seconds * 1000;
  const fraction = millis < 10 ? '00' + millis : millis < 100 ? '0' + millis : String(millis);
  return dateOf(day) + 'T' + two(hours) + ':' + two(minutes) + ':' + two(seconds) + '.' + fraction + 'Z';
}

/** `2026.11.24`, as the names of daily indices end. */
export const dayOf = (ms: number): string => dateOf(Math.floor(ms / DAY_MS)).replaceAll('-', '.');
