import { gammaln } from 'simple-statistics';
import { poissonTail } from './poisson-tail.ts';

const MAX_STEPS = 100_000;
const EPSILON = 1e-15;
const TINY = 1e-300;

/**
 * Natural logarithm of P(X >= count) for counts that vary more than Poisson ones: variance = mean + mean^2 / size. R
 * `pnbinom(count - 1, size, mu = mean, lower.tail = FALSE, log.p = TRUE)`, but finite where the probability is below
 * 10^-308. The regularised incomplete beta function I_p(count, size) with p = mean / (mean + size), by its continued
 * fraction (NIST DLMF 8.17.22, evaluated as W. Lentz, Applied Optics 15, 1976) and its front factor in logarithms. Right to about 10
 * digits. An infinite size is Poisson. Holds nothing.
 */
export function negativeBinomialTail(count: number, mean: number, size: number): number {
  const least = Math.ceil(count);
  if (least <= 0) return 0;
  if (!(mean > 0)) return Number.NEGATIVE_INFINITY;
  if (size > 1e9) return poissonTail(least, mean);
  const p = mean / (mean + size);
  const rest = size / (mean + size);
  if (p < (least + 1) / (least + size + 2)) return Math.min(0, logBeta(p, rest, least, size));
  return Math.log1p(-Math.exp(logBeta(rest, p, size, least)));
}

/**
 * Size of the negative binomial with this mean and variance; Infinity when the variance is at most the mean, as of
 * Poisson counts. Method of moments.
 */
export const sizeOf = (mean: number, variance: number): number =>
  variance > mean ? (mean * mean) / (variance - mean) : Number.POSITIVE_INFINITY;

/** log I_x(a, b) for x where the fraction converges fast; `y` is 1 - x, given apart to keep its digits. */
function logBeta(x: number, y: number, a: number, b: number): number {
  const front = gammaln(a + b) - gammaln(a + 1) - gammaln(b) + a * Math.log(x) + b * Math.log(y);
  return front - Math.log(fraction(x, a, b));
}

function fraction(x: number, a: number, b: number): number {
  let value = 1;
  let c = 1;
  let d = 0;
  for (let step = 1; step < MAX_STEPS; step++) {
    const m = Math.floor(step / 2);
    const numerator =
      step % 2 === 0
        ? (m * (b - m) * x) / ((a + step - 1) * (a + step))
        : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + step));
    d = 1 / notZero(1 + numerator * d);
    c = notZero(1 + numerator / c);
    value *= c * d;
    if (Math.abs(c * d - 1) < EPSILON) break;
  }
  return value;
}

const notZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
