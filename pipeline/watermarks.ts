/**
 * How far event time has come, from the clocks of the origins that feed one partition. An origin's clock is the
 * greatest `startMs` read from it less its type's disorder; the watermark is the least clock of the active ones.
 * Everything is decided from times in the log, never from this machine's clock.
 */
export interface WatermarkOptions {
  /** An origin whose last record was appended this much before the newest one holds nothing back. */
  readonly inactiveMs: number;
  /** An origin that alone holds the watermark back by more than this is no longer waited for. */
  readonly maxHoldMs: number;
  /** Most origins remembered; the least recently heard of is forgotten first. */
  readonly maxOrigins: number;
}

export const watermarkDefaults: WatermarkOptions = {
  inactiveMs: 30_000,
  maxHoldMs: 600_000,
  maxOrigins: 100_000,
};

export interface Watermarks {
  /** The origin's clock came to `clockMs`, in a record appended at `appendMs`. Clocks never go back. */
  observe(origin: string, clockMs: number, appendMs: number): void;
  /** The origin has ended: it holds nothing back any more. What follows it may still overlap with its end. */
  end(origin: string, endMs: number): void;
  /** Nothing will come any more: everything up to the last end has come. */
  finish(): number;
  /** Never decreases. -Infinity until the first origin was heard of. */
  current(): number;
  /** All origins heard of have ended. */
  ended(): boolean;
  readonly origins: number;
}

interface Origin {
  clockMs: number;
  appendMs: number;
  ended: boolean;
}

export function createWatermarks(options: WatermarkOptions = watermarkDefaults): Watermarks {
  const origins = new Map<string, Origin>();
  let newestAppendMs = -Infinity;
  let endedMs = -Infinity;
  let watermark = -Infinity;
  return {
    observe(name, clockMs, appendMs) {
      let origin = origins.get(name);
      if (!origin) {
        if (origins.size >= options.maxOrigins) forgetOldest(origins);
        origins.set(name, (origin = { clockMs: -Infinity, appendMs, ended: false }));
      }
      // A clock cannot be ahead of the time at which the record was appended, however wrong the sender's is.
      origin.clockMs = Math.max(origin.clockMs, Math.min(clockMs, appendMs));
      origin.appendMs = Math.max(origin.appendMs, appendMs);
      origin.ended = false;
      newestAppendMs = Math.max(newestAppendMs, appendMs);
    },
    end(name, endMs) {
      const origin = origins.get(name);
      if (origin) origin.ended = true;
      endedMs = Math.max(endedMs, Math.min(endMs, newestAppendMs));
    },
    finish() {
      watermark = Math.max(watermark, endedMs);
      return watermark;
    },
    current() {
      watermark = Math.max(watermark, leastClock(origins, options, newestAppendMs));
      return watermark;
    },
    ended: () => origins.size > 0 && [...origins.values()].every((origin) => origin.ended),
    get origins() {
      return origins.size;
    },
  };
}

function leastClock(origins: Map<string, Origin>, options: WatermarkOptions, newestMs: number): number {
  let least = Infinity;
  let second = Infinity;
  let greatestEnded = -Infinity;
  for (const origin of origins.values()) {
    if (origin.ended || newestMs - origin.appendMs > options.inactiveMs) {
      if (origin.ended && origin.clockMs > greatestEnded) greatestEnded = origin.clockMs;
      continue;
    }
    if (origin.clockMs < least) {
      second = least;
      least = origin.clockMs;
    } else if (origin.clockMs < second) second = origin.clockMs;
  }
  if (least === Infinity) return greatestEnded;
  // One origin far behind all others is not waited for: its records are late, and counted as such.
  if (second !== Infinity && second - least > options.maxHoldMs) return second;
  return least;
}

function forgetOldest(origins: Map<string, Origin>): void {
  let oldest: string | undefined;
  let oldestMs = Infinity;
  for (const [name, origin] of origins)
    if (oldest === undefined || origin.appendMs < oldestMs) {
      oldest = name;
      oldestMs = origin.appendMs;
    }
  if (oldest !== undefined) origins.delete(oldest);
}
