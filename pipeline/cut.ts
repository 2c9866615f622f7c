import type { Detector } from './contracts.ts';
import type { Segment } from './ahead.ts';

/** A snapshot under way: the state as of its beginning, and of each detector as of when it was copied. */
export interface Cut {
  /** Where to go on reading each feed once it is restored: as of the beginning. */
  readonly resume: number[];
  /** Copies the state of the next detectors; null once all was given. */
  next(): Uint8Array[] | null;
  /** Nothing more of it is wanted. Idempotent. */
  end(): void;
}

/** The same for who drives it: the lanes may be in a thread of their own. */
export interface CutHandle {
  readonly resume: readonly number[];
  next(): Uint8Array[] | null | Promise<Uint8Array[] | null>;
  end(): void | Promise<void>;
}

/** The side of it that the fold sees. */
export interface OpenCut extends Cut {
  /** An entry was folded: detectors that are copied from now on have it. */
  folded(entry: number): void;
  /** When the slices are not taken as fast as flows are folded, copies the next one, to be taken later. */
  keepUp(): void;
}

export interface CutOptions {
  readonly resume: number[];
  readonly detectors: readonly Pick<Detector, 'snapshot'>[];
  /** A slice ends with the detector whose copying took it so long, in milliseconds. */
  readonly sliceMs: number;
  /** What comes after the last detector. `chunks` says how many each has. */
  readonly ending: (chunks: readonly number[], folded: Segment) => Iterable<Uint8Array>;
  readonly ended: (cut: OpenCut) => void;
}

/** So many entries may be folded while a slice waits to be taken; beyond, the next ones are copied and held. */
const MAX_AHEAD = 100_000;

export function createCut({ resume, detectors, sliceMs, ending, ended }: CutOptions): OpenCut {
  const entries: number[] = [];
  const taken: number[] = [];
  const counts: number[] = [];
  const held: Uint8Array[][] = [];
  let isOver = false;

  /** The state of the next detectors, each as of this moment. */
  function slice(): Uint8Array[] | null {
    if (isOver) return null;
    const chunks: Uint8Array[] = [];
    // How much is copied before others have a turn decides nothing but that, so it may depend on the machine.
    const untilMs = performance.now() + sliceMs;
    while (taken.length < detectors.length) {
      const before = chunks.length;
      chunks.push(...detectors[taken.length]!.snapshot());
      counts.push(chunks.length - before);
      taken.push(entries.length);
      if (performance.now() >= untilMs) break;
    }
    if (taken.length < detectors.length) return chunks;
    chunks.push(...ending(counts, { entries, taken }));
    end();
    return chunks;
  }

  function end(): void {
    isOver = true;
    ended(cut);
  }

  const cut: OpenCut = {
    resume,
    next: () => held.shift() ?? slice(),
    end,
    folded: (entry) => void entries.push(entry),
    keepUp() {
      const next = entries.length > MAX_AHEAD ? slice() : null;
      if (next !== null) held.push(next);
    },
  };
  return cut;
}
