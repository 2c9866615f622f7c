import type { Mark } from '../../pipeline/log.ts';

/** Headers of ours. A message with a mark or a notice has no value: data topics hold records of one kind. */
export const MARK_HEADER = 'weir-mark';
export const NOTICE_HEADER = 'weir-notice';
/** Partition of `weir.flows` a record came through; left out when 0. */
export const RAW_HEADER = 'raw';
/** Clock of the record's origin, epoch milliseconds; left out when unchanged. */
export const CLOCK_HEADER = 'clock';

/** Set to `rule` on a copy for a group that a rule makes. */
export const ROLE_HEADER = 'role';

/** A mark as the text of its header. */
export const markText = (mark: Mark): string => JSON.stringify(mark);

/** The mark of a header's text; null when it is none. */
export function parseMark(text: string): Mark | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { input, of, watermarkMs, final } = value as Partial<Mark>;
  if (typeof input !== 'string' || !Number.isSafeInteger(of) || !Number.isFinite(watermarkMs)) return null;
  return { input, of: of as number, watermarkMs: watermarkMs as number, final: final === true };
}
