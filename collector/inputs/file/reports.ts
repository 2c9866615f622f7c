import type { Context, LineBatch } from '../../../pipeline/contracts.ts';
import { digest } from '../../../schema/ids.ts';
import { newLoss, type Loss, type LossReason } from '../../../schema/records.ts';
import type { Orphan } from './claims.ts';

/** What there is to say of an origin besides its lines. */
export function reports({ name, clock }: Pick<Context, 'name' | 'clock'>) {
  const loss = (origin: string, why: LossReason, from: number, to: number | null, detail: string): Loss => {
    const nowMs = clock.now();
    const id = digest(22, 'file', origin, why, from);
    const made = newLoss({ id, where: `source.${name}`, sinceMs: nowMs, untilMs: nowMs });
    return { ...made, origin, why, fromPosition: from, toPosition: to, detail };
  };

  /** Nothing is, or will be, read of it. */
  const nothingOf = (origin: string, place: string): LineBatch => ({
    origin,
    place,
    lines: [],
    rejects: [],
    losses: [],
    next: 0,
    atEnd: true,
    final: true,
    hints: { path: place, final: true },
  });

  /** Its content is gone, and no copy of it turned up. */
  const expired = ({ origin, path, position, size, sinceMs }: Orphan): LineBatch => {
    const unread = size === null ? 'an unknown number of bytes' : `${size - position} bytes`;
    const detail = `${path}: ${unread} after byte ${position} were rotated away before they were read`;
    const lost = size === null || size > position;
    return {
      ...nothingOf(origin, path),
      losses: lost ? [{ ...loss(origin, 'rotated', position, size, detail), sinceMs }] : [],
      next: position,
    };
  };

  return { loss, nothingOf, expired };
}
