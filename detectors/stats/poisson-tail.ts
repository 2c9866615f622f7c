import { gammaln } from 'simple-statistics';

/** Terms of a sum are fewer than this for counts up to 10^8; beyond, the probability comes out a little small. */
const MAX_TERMS = 100_000;
const EPSILON = 1e-16;

/**
 * Natural logarithm of P(X >= count) for Poisson counts with the given mean. R `ppois(count - 1, mean, lower.tail =
 * FALSE, log.p = TRUE)`, but finite where the probability is below 10^-308. The sum of the probabilities from `count`
 * on, by their ratio mean / (count + n), with the first in logarithms (NIST DLMF 8.7.1); below the mean the complement
 * of the sum downwards. Right to about 12 digits. Holds nothing.
 */
export function poissonTail(count: number, mean: number): number {
  const least = Math.ceil(count);
  if (least <= 0) return 0;
  if (!(mean > 0)) return Number.NEGATIVE_INFINITY;
  if (least > mean) return Math.min(0, logProbability(least, mean) + Math.log(sumUp(least, mean)));
  return Math.log1p(-Math.exp(logProbability(least - 1, mean) + Math.log(sumDown(least - 1, mean))));
}

const logProbability = (count: number, mean: number): number =>
  count * Math.log(mean) - mean - gammaln(count + 1);

function sumUp(from: number, mean: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n < MAX_TERMS && term > sum * EPSILON; n++) {
    term *= mean / (from + n);
    sum += term;
  }
  return sum;
}

function sumDown(from: number, mean: number): number {
  let term = 1;
  let sum = 1;
  for (let count = from; count > from - MAX_TERMS && term > sum * EPSILON; count--) {
    term *= count / mean;
    sum += term;
  }
  return sum;
}
