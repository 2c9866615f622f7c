/** How far a zone is ahead of UTC at a moment. */
function offsetMs(format: Intl.DateTimeFormat, atMs: number): number {
  const parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of format.formatToParts(atMs)) {
    if (Object.hasOwn(parts, type)) parts[type as keyof typeof parts] = Number(value);
  }
  const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  return local - Math.floor(atMs / 1000) * 1000;
}

/**
 * Reads time stamps that may name no zone, such as `2026-11-23T02:05:24.497732`: those are in `timezone`. Of a
 * time that a change of the clocks made ambiguous the earlier one is taken; one that it left out is read an
 * hour later. Milliseconds since 1970, or null.
 */
export function localTimes(timezone: string): (text: string) => number | null {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const utc = timezone === 'UTC' || timezone === 'Etc/UTC';
  return (text) => {
    const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?$/.exec(
      text,
    );
    if (!match) return null;
    const [, day, time, fraction = '0', zone] = match;
    const asUtc = Date.parse(`${day}T${time}Z`);
    if (Number.isNaN(asUtc)) return null;
    const ms = asUtc + Math.floor(Number(`0.${fraction}`) * 1000);
    if (zone !== undefined && zone !== 'Z') {
      const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
      return ms - (zone.startsWith('-') ? -1 : 1) * minutes * 60_000;
    }
    if (zone === 'Z' || utc) return ms;
    const before = ms - offsetMs(format, ms - 86_400_000);
    const after = ms - offsetMs(format, ms + 86_400_000);
    if (before === after) return before;
    const earlier = Math.min(before, after);
    return earlier + offsetMs(format, earlier) === ms ? earlier : Math.max(before, after);
  };
}
