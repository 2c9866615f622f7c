/**
 * How far event time has come in one origin: the greatest `startMs` that can be believed. Where several machines
 * speak in one origin, one whose clock is far ahead would make the flows of all others late. So a leap is believed
 * when another machine makes it too, when no other speaks for a while, or when the origin is at its end and the leap
 * leads to about now.
 */
export interface OriginClock {
  /** `nowMs` is when it was read: a first time that is not yet is not believed at once. */
  observe(
    flow: { readonly cluster: string; readonly node: string | null; readonly startMs: number },
    nowMs: number,
  ): void;
  /** The origin was read to its end at `nowMs`. */
  rest(nowMs: number): void;
  /** -Infinity until there is one. Never goes back. */
  current(): number;
}

/** Farther ahead than this is a leap: clocks that are kept differ by less. */
const LEAP_MS = 600_000;
/** How long, by its own clock, a machine has to be the only one that speaks until its leap is believed. */
const ALONE_MS = 60_000;

export function originClock(knownMs = -Infinity): OriginClock {
  let clockMs = knownMs;
  let leap: { readonly machine: string; readonly fromMs: number; toMs: number } | null = null;

  return {
    observe({ cluster, node, startMs }, nowMs) {
      const isFirst = clockMs === -Infinity && startMs <= nowMs + LEAP_MS;
      if (isFirst || startMs - clockMs <= LEAP_MS) {
        if (startMs > clockMs) clockMs = startMs;
        // Somebody else is still at the time before it.
        if (leap !== null && leap.machine !== machineOf(cluster, node)) leap = null;
        return;
      }
      const machine = machineOf(cluster, node);
      if (leap === null) leap = { machine, fromMs: startMs, toMs: startMs };
      else if (machine === leap.machine) {
        if (startMs > leap.toMs) leap.toMs = startMs;
        if (leap.toMs - leap.fromMs < ALONE_MS) return;
        clockMs = leap.toMs;
        leap = null;
      } else if (Math.abs(startMs - leap.toMs) <= LEAP_MS) {
        clockMs = Math.max(startMs, leap.toMs);
        leap = null;
      } else if (startMs < leap.toMs) leap = { machine, fromMs: startMs, toMs: startMs };
    },
    rest(nowMs) {
      if (leap === null || leap.toMs > nowMs + LEAP_MS) return;
      clockMs = leap.toMs;
      leap = null;
    },
    current: () => clockMs,
  };
}

const machineOf = (cluster: string, node: string | null): string => `${cluster}/${node ?? ''}`;
