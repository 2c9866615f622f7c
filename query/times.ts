const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?)?$/;

/** A moment as written, in epoch milliseconds, and how long the unit it names lasts. */
export interface Moment {
  readonly fromMs: number;
  /** A day for a date, a minute or second for a time without finer parts, else 1. */
  readonly lengthMs: number;
}

/** ISO 8601 date or date-time (UTC where it names no zone), or epoch milliseconds. Null when it is neither. */
export function parseMoment(text: string): Moment | null {
  if (/^\d{10,15}$/.test(text)) return { fromMs: Number(text), lengthMs: 1 };
  const match = ISO.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction, , sign, zoneHour, zoneMinute] = match;
  const days = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(days);
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  if (hour === undefined) return { fromMs: days, lengthMs: 86_400_000 };
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59) return null;
  const ms = fraction ? Math.floor(Number(`0.${fraction}`) * 1000) : 0;
  const offset = sign ? (sign === '-' ? 1 : -1) * (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000 : 0;
  const fromMs =
    days + Number(hour) * 3_600_000 + Number(minute) * 60_000 + Number(second ?? 0) * 1000 + ms + offset;
  return { fromMs, lengthMs: fraction ? 1 : second ? 1000 : 60_000 };
}
