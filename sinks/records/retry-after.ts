/** Statuses with which `Retry-After` says when to come again; elsewhere it means something else, or nothing. */
const ASKING = new Set([429, 503]);

/**
 * How long a reply asks to be left alone, in milliseconds; undefined when it does not. `Retry-After` is a number of
 * seconds or a date (RFC 9110 section 10.2.3); a date is measured from the reply's own `Date`, as clocks differ.
 */
export function retryAfterMs(
  status: number,
  headers: Readonly<Record<string, string | readonly string[] | undefined>> | null | undefined,
  nowMs: () => number,
): number | undefined {
  const value = first(headers?.['retry-after'])?.trim();
  if (value === undefined || !ASKING.has(status)) return undefined;
  if (/^\d{1,9}(\.\d*)?$/.test(value)) return Math.ceil(Number(value) * 1000);
  const untilMs = timeOf(value);
  if (untilMs === null) return undefined;
  return Math.max(0, untilMs - (timeOf(first(headers?.['date'])) ?? nowMs()));
}

const first = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'object' ? value[0] : value;

/** Dates as HTTP writes them, which name their day. What else `Date.parse` takes is none. */
function timeOf(text: string | undefined): number | null {
  if (text === undefined || !/^[A-Za-z]{3,9},? /.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
