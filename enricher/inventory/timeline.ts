import type { Inventory } from '../../schema/records.ts';

/** One state of one incarnation, from `fromMs` up to and without `toMs`. */
export interface Version {
  readonly record: Inventory;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The time for which an answer holds; look-ups narrow it to where all that they met stays as it is. */
export interface Window {
  fromMs: number;
  toMs: number;
}

export const allTime = (): Window => ({ fromMs: -Infinity, toMs: Infinity });

/**
 * What was there at `timeMs`: the versions that held then, the one that began last first, since an address or
 * a name passes on before the end of its last holder is seen. `versions` is in order of `fromMs`.
 */
export function heldAt(versions: readonly Version[] | undefined, timeMs: number, window: Window): Version[] {
  const held: Version[] = [];
  if (versions === undefined) return held;
  for (let i = versions.length - 1; i >= 0; i--) {
    const version = versions[i]!;
    if (version.fromMs > timeMs) {
      if (version.fromMs < window.toMs) window.toMs = version.fromMs;
      continue;
    }
    if (version.fromMs > window.fromMs) window.fromMs = version.fromMs;
    if (version.toMs <= timeMs) {
      if (version.toMs > window.fromMs) window.fromMs = version.toMs;
      continue;
    }
    if (version.toMs < window.toMs) window.toMs = version.toMs;
    held.push(version);
  }
  return held;
}
