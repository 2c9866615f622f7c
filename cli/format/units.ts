/** Values as people read them. Times are UTC, as in every record. */
import { formatDuration } from '../../pipeline/units.ts';

/** `2026-11-24 02:14:22`; with `millis` also `.123`. */
export function timeText(ms: number, { millis = false }: { millis?: boolean } = {}): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return '?';
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .slice(0, millis ? 23 : 19);
}

/** `02:14:22.123`, for a line whose day is known. */
export const clockText = (ms: number): string => timeText(ms, { millis: true }).slice(11);

/** The two largest units of a time span: `3d4h`, `12m5s`, `850ms`. */
export function spanText(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const whole = Math.abs(Math.round(ms));
  if (whole < 1_000) return `${sign}${whole}ms`;
  const parts = formatDuration(whole - (whole % 1_000)).match(/\d+[a-z]+/g) ?? [];
  return sign + parts.slice(0, 2).join('');
}

/** `1.2 kB`, `20 GB`: decimal units, two or three digits. */
export function bytesText(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'kB', 'MB', 'GB', 'TB']) {
    if (Math.abs(value) < 999.5 || unit === 'TB')
      return `${value < 9.95 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1_000;
  }
  return `${bytes} B`;
}

/** `1,234,567`. */
export const numberText = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: 2 });

/** `1 flow`, `2 flows`. */
export const countText = (count: number, noun: string, plural = `${noun}s`): string =>
  `${numberText(count)} ${count === 1 ? noun : plural}`;
