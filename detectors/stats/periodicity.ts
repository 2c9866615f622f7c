/** The strongest period of a series. */
export interface Periodicity {
  /** In buckets. */
  readonly period: number;
  /** Mean autocorrelation at the period and its multiples; 1 is a clock, 0 is noise. */
  readonly strength: number;
}

export interface PeriodicityOptions {
  /** Shortest period looked for, in buckets; 2 when absent. */
  readonly least?: number;
  /** Periods up to the series' length divided by this, so that each is seen as often; 6 when absent. */
  readonly repeats?: number;
  /** Buckets by which an echo may come early or late; 0 when absent. */
  readonly jitter?: number;
}

/**
 * Autocovariance of a series at a lag, each of the n - lag products weighted alike, over the variance. R: `acf(x,
 * type = "covariance")` divides by n instead and so fades with the lag. 0 for a constant series.
 */
export function autocorrelation(series: ArrayLike<number>, lag: number): number {
  return echo(centred(series), lag);
}

interface Centred {
  readonly distances: Float64Array;
  readonly variance: number;
}

function centred(series: ArrayLike<number>): Centred {
  const n = series.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += series[i]!;
  const distances = new Float64Array(n);
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const distance = series[i]! - sum / n;
    distances[i] = distance;
    squares += distance * distance;
  }
  return { distances, variance: squares / n };
}

function echo({ distances, variance }: Centred, lag: number): number {
  if (variance === 0) return 0;
  const products = distances.length - lag;
  let covariance = 0;
  for (let i = 0; i < products; i++) covariance += distances[i]! * distances[i + lag]!;
  return covariance / products / variance;
}

/** Share of the greatest strength from which on a period is as good as the strongest. */
const AS_STRONG = 0.8;

/**
 * Looks for a period in counts per bucket: the mean autocorrelation over its multiples is greatest (the periodic
 * signal of Elastic's beaconing transform, with multiples up to half the series). With `jitter` each bucket is first
 * summed with that many on either side, so that an echo which comes a little early or late still meets it. Multiples of a period are about as strong as it is, so the shortest of those that come near the
 * strongest is told. Null when nothing repeats at all. O(n^2 / 2); holds nothing: 360 counts of a byte are 360 bytes a key.
 */
export function strongestPeriod(
  series: ArrayLike<number>,
  options: PeriodicityOptions = {},
): Periodicity | null {
  const { repeats = 6, jitter = 0 } = options;
  const smooth = centred(smoothed(series, jitter));
  // Nearer than this, buckets are alike because they were smoothed together.
  const least = Math.max(options.least ?? 2, 2 * jitter + 1);
  const longest = Math.floor(series.length / repeats);
  const end = Math.floor(series.length / 2);
  const echoes = Array.from({ length: end + 1 }, (_, lag) => (lag < least ? 0 : echo(smooth, lag)));
  const found: Periodicity[] = [];
  for (let period = least; period <= longest; period++) {
    let sum = 0;
    let count = 0;
    for (let lag = period; lag <= end; lag += period, count++) sum += echoes[lag]!;
    if (sum > 0) found.push({ period, strength: sum / count });
  }
  const strongest = Math.max(...found.map(({ strength }) => strength));
  return found.find(({ strength }) => strength >= strongest * AS_STRONG) ?? null;
}

function smoothed(series: ArrayLike<number>, reach: number): ArrayLike<number> {
  if (reach === 0) return series;
  return Float64Array.from(series, (_, at) => {
    let sum = 0;
    for (let i = Math.max(0, at - reach); i <= Math.min(series.length - 1, at + reach); i++)
      sum += series[i]!;
    return sum;
  });
}
