export const HOURS_OF_WEEK = 168;
const HOUR_MS = 3_600_000;

/** Hour of the week in UTC, Monday 00:00 is 0. The epoch began on a Thursday. */
export function hourOfWeek(timeMs: number): number {
  const hour = (Math.floor(timeMs / HOUR_MS) + 72) % HOURS_OF_WEEK;
  return hour < 0 ? hour + HOURS_OF_WEEK : hour;
}
