/** Registers of a sketch; the standard error is 1.04 / sqrt(1024), 3.3 %. */
export const REGISTERS = 1024;
/** Bits of a print that are left to tell how rare it is. */
const RANK_BITS = 22;

/** Which register a 32-bit print falls into. */
export const registerOf = (print: number): number => print & (REGISTERS - 1);

/** How rare a print is: one more than the leading zeros of its upper 22 bits, at most 23. */
export const rankOf = (print: number): number => Math.min(Math.clz32(print >>> 10) - 10, RANK_BITS) + 1;

/**
 * How many distinct prints were met, from the greatest rank met in each register. P. Flajolet and others, "HyperLogLog",
 * AofA 2007, with the estimator of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017
 * (algorithm 6), which needs neither tables nor corrections between ranges. A pure function of the registers.
 */
export function estimateDistinct(registers: Uint8Array): number {
  const counts = new Uint32Array(RANK_BITS + 2);
  for (const rank of registers) counts[rank] = counts[rank]! + 1;
  let z = REGISTERS * tau(1 - counts[RANK_BITS + 1]! / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = 0.5 * (z + counts[rank]!);
  z += REGISTERS * sigma(counts[0]! / REGISTERS);
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z);
}

/** x + sum over k of x^(2^k) 2^(k-1). */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let power = x;
  let factor = 1;
  let sum = x;
  for (let before = -1; sum !== before; factor *= 2) {
    power *= power;
    before = sum;
    sum += power * factor;
  }
  return sum;
}

/** (1 - x - sum over k of (1 - x^(2^-k))^2 2^-k) / 3. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let factor = 1;
  let sum = 1 - x;
  for (let before = -1; sum !== before;) {
    root = Math.sqrt(root);
    factor *= 0.5;
    before = sum;
    sum -= (1 - root) ** 2 * factor;
  }
  return sum / 3;
}
