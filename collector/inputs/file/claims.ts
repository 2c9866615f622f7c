import type { OriginCursor } from '../../../pipeline/contracts.ts';

/** An origin whose content is gone from where it was; a copy of it may still turn up. */
export interface Orphan {
  readonly origin: string;
  /** Everything before it was read. */
  readonly position: number;
  /** Size of the content when it was last seen; null when this run never saw it. */
  readonly size: number | null;
  readonly path: string;
  readonly sinceMs: number;
}

export interface Claim {
  readonly origin: string;
  /** Where to go on; null when no run has read the origin. */
  readonly from: number | null;
  /** It was read already, or is being read, under another path: there is nothing to do. */
  readonly done: boolean;
}

/** Origins that are closed and remembered, so that copies of them are not read again. */
const MAX_CLOSED = 10_000;
const MAX_GENERATIONS = 1000;

/** Decides which origin the content of a file is, and whether it still has to be read. */
export interface Claims {
  /** `size` is null for compressed content. */
  claim(
    hash: string,
    at: { key: string; size: number | null; isOpen: (origin: string) => boolean },
    from: From,
  ): Claim;
  /** The origin was closed; `final` when it was read to an end that will not grow. */
  closed(origin: string, position: number, final: boolean): void;
  /** The file `key` no longer holds the origin: it was truncated. */
  truncated(key: string, orphan: Orphan): void;
  orphaned(orphan: Orphan): void;
  isClosed(origin: string): boolean;
  /** Orphans older than `sinceMs`, which are forgotten. */
  expire(sinceMs: number): Orphan[];
  /** Forgets what was noted of a file that is gone. */
  gone(isPresent: (key: string) => boolean): void;
}

export type From = (origin: string) => OriginCursor | undefined;

const nameOf = (hash: string, generation: number): string =>
  generation === 0 ? hash : `${hash}.${generation}`;

export function claims(): Claims {
  const closed = new Map<string, { position: number; final: boolean }>();
  const orphans = new Map<string, Orphan>();
  /** What a truncated file held before, so that its new content is not taken for it. */
  const former = new Map<string, string>();

  const close = (origin: string, position: number, final: boolean): void => {
    closed.delete(origin);
    closed.set(origin, { position, final });
    if (closed.size > MAX_CLOSED) closed.delete(closed.keys().next().value!);
  };

  /** `next` tries the following generation. */
  const tryOrigin = (
    origin: string,
    size: number | null,
    isOpen: (origin: string) => boolean,
    from: From,
  ): Claim | 'next' => {
    const goOn = (position: number | null): Claim => ({ origin, from: position, done: false });
    const done: Claim = { origin, from: null, done: true };
    if (isOpen(origin)) return done;
    const orphan = orphans.get(origin);
    if (orphan) {
      if (size !== null && size < orphan.position) return 'next';
      orphans.delete(origin);
      return goOn(orphan.position);
    }
    const known = closed.get(origin);
    if (known) {
      const more = size !== null && (known.final ? size > known.position : size >= known.position);
      return more || (size === null && !known.final) ? goOn(known.position) : done;
    }
    const cursor = from(origin);
    if (!cursor) return goOn(null);
    if (size !== null && size < cursor.position) return 'next';
    if (size === null && cursor.hints?.['final'] === true) {
      close(origin, cursor.position, true);
      return done;
    }
    return goOn(cursor.position);
  };

  return {
    claim(hash, { key, size, isOpen }, from) {
      const before = former.get(key);
      let generation = 0;
      if (before === hash) generation = 1;
      else if (before?.startsWith(`${hash}.`)) generation = Number(before.slice(hash.length + 1)) + 1;
      for (; generation < MAX_GENERATIONS; generation++) {
        const answer = tryOrigin(nameOf(hash, generation), size, isOpen, from);
        if (answer !== 'next') return answer;
      }
      return { origin: hash, from: null, done: true };
    },
    closed: close,
    truncated(key, orphan) {
      former.set(key, orphan.origin);
      orphans.set(orphan.origin, orphan);
    },
    orphaned: (orphan) => void orphans.set(orphan.origin, orphan),
    isClosed: (origin) => closed.has(origin),
    expire(sinceMs) {
      const expired = [...orphans.values()].filter((orphan) => orphan.sinceMs <= sinceMs);
      for (const { origin, position } of expired) {
        orphans.delete(origin);
        close(origin, position, true);
      }
      return expired;
    },
    gone(isPresent) {
      for (const key of former.keys()) if (!isPresent(key)) former.delete(key);
    },
  };
}
