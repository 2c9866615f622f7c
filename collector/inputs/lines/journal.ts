import type { Forwarded } from '../../decode/forwarder.ts';

/** One entry of the journal. */
export interface JournalEntry extends Forwarded {
  readonly cursor: string | null;
}

/**
 * MESSAGE as text: a string, an array of bytes where it is no UTF-8, or the first of several. Null when it is none
 * of them, which is also what journalctl prints without `--all` for a field of 4 KiB and more.
 */
function messageOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return null;
  const items = value as unknown[];
  if (items.every((item) => typeof item === 'number')) return Buffer.from(items).toString('utf8');
  return items.length > 0 ? messageOf(items[0]) : '';
}

/** Fields that only the journal itself writes: by one of them an entry is told from other JSON. */
const own = ['__REALTIME_TIMESTAMP', '__CURSOR', '_BOOT_ID'] as const;

/**
 * A line of `journalctl -o json` (systemd.io/JOURNAL_EXPORT_FORMATS, "Journal JSON Format"). The time is
 * `_SOURCE_REALTIME_TIMESTAMP` where the sender gave one, else when the journal took it, in microseconds. The
 * host is the one that wrote the entry. Null when the line is no entry.
 */
export function parseJournal(line: string): JournalEntry | null {
  if (line.charCodeAt(0) !== 123) return null;
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (!own.some((field) => field in parsed)) return null;
  const text = 'MESSAGE' in parsed ? messageOf(parsed['MESSAGE']) : '';
  if (text === null) return null;
  const micros = Number(parsed['_SOURCE_REALTIME_TIMESTAMP'] ?? parsed['__REALTIME_TIMESTAMP']);
  const host = parsed['_HOSTNAME'];
  const cursor = parsed['__CURSOR'];
  return {
    text: text.endsWith('\n') ? text.slice(0, -1) : text,
    timeMs: Number.isFinite(micros) && micros > 0 ? Math.floor(micros / 1000) : null,
    node: typeof host === 'string' && host !== '' ? host : null,
    cluster: null,
    cursor: typeof cursor === 'string' ? cursor : null,
  };
}

/** The parts of a cursor that order entries: the journal's sequence id, and the number in it. */
export function sequenceOfCursor(cursor: string): { readonly id: string; readonly number: number } | null {
  const id = /(?:^|;)s=([0-9a-f]{1,64})(?:;|$)/.exec(cursor)?.[1];
  const hex = /(?:^|;)i=([0-9a-f]{1,13})(?:;|$)/.exec(cursor)?.[1];
  return id === undefined || hex === undefined ? null : { id, number: Number.parseInt(hex, 16) };
}
