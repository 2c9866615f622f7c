export interface SequentialTestOptions {
  /** Chance of a success under the usual hypothesis, such as that a first contact of a benign source is answered. */
  readonly usualSuccess: number;
  /** The same under the suspicious one. */
  readonly suspectSuccess: number;
  /** Chance to call the usual suspicious. */
  readonly alpha: number;
  /** Chance to call the suspicious usual. */
  readonly beta: number;
}

export interface SequentialTest {
  /** What a success or a failure adds to the log-likelihood ratio. */
  readonly successStep: number;
  readonly failureStep: number;
  /** At or above it the suspicious hypothesis is accepted, at or below `lower` the usual one. */
  readonly upper: number;
  readonly lower: number;
}

/**
 * Wald's sequential probability ratio test for yes or no outcomes (A. Wald, "Sequential Analysis", 1947); with first
 * contacts for outcomes it is the threshold random walk of J. Jung, V. Paxson, A. Berger, H. Balakrishnan, "Fast portscan
 * detection using sequential hypothesis testing", IEEE S&P 2004. The state is the walk itself, one number: 8 bytes a key.
 */
export function sequentialTest(options: SequentialTestOptions): SequentialTest {
  const { usualSuccess, suspectSuccess, alpha, beta } = options;
  return {
    successStep: Math.log(suspectSuccess / usualSuccess),
    failureStep: Math.log((1 - suspectSuccess) / (1 - usualSuccess)),
    upper: Math.log((1 - beta) / alpha),
    lower: Math.log(beta / (1 - alpha)),
  };
}
