import { byAge, sequenceOf } from './order.ts';
import type { OpenOrigin } from './origin.ts';

/** The oldest file of each rotated log: its successors wait, so that a log is read in the order it was written. */
export function heads(files: readonly OpenOrigin[]): OpenOrigin[] {
  const first = new Map<string, OpenOrigin>();
  for (const file of files) {
    const sequence = sequenceOf(file.path);
    const other = first.get(sequence.series);
    if (!other || byAge(sequence, sequenceOf(other.path)) < 0) first.set(sequence.series, file);
  }
  return [...first.values()];
}

/** The file of which the least share was read: logs of one time span then advance together. */
export function leastRead(files: readonly OpenOrigin[]): OpenOrigin | undefined {
  const share = (file: OpenOrigin): number => file.offset() / (file.gzip ? 12 : 1) / Math.max(1, file.size);
  let least = files[0];
  for (const file of files) if (share(file) < share(least!)) least = file;
  return least;
}
