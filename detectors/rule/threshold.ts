import { parseByteSize } from '../../pipeline/units.ts';

/** What a rule measures, and from where on it alerts. */
export interface Threshold {
  /** The least value that alerts. */
  readonly least: number;
  /** Alerts above `least` only. */
  readonly strict: boolean;
  /** Names before the operator: the fields of a sum, the field of a distinct count. */
  readonly names: readonly string[];
  /** Milliseconds a rate is counted over; 0 where no unit was given. */
  readonly perMs: number;
}

const FORM = /^\s*([^<>=]*?)\s*(>=|>)\s*([0-9][0-9_.,]*(?:e\d+)?)\s*([kmgt]i?b|b)?\s*(?:\/\s*(s|m|h))?\s*$/i;
const PER_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads `>= 10`, `> 50/s` or `sourceBytes + destinationBytes >= 1GiB`. Null when it is none of these. */
export function parseThreshold(text: string): Threshold | null {
  const match = FORM.exec(text);
  if (!match) return null;
  const [, names = '', operator, digits = '', unit, per] = match;
  const plain = digits.replaceAll('_', '');
  const least = unit === undefined ? Number(plain) : parseByteSize(`${plain}${unit}`);
  if (least === null || !Number.isFinite(least) || least <= 0) return null;
  return {
    least,
    strict: operator === '>',
    names: names === '' ? [] : names.split('+').map((name) => name.trim()),
    perMs: per === undefined ? 0 : PER_MS[per.toLowerCase()]!,
  };
}

/** The least whole number that alerts. */
export const wholeLeast = ({ least, strict }: Threshold): number =>
  strict ? Math.floor(least) + 1 : Math.ceil(least);

export const reaches = ({ least, strict }: Threshold, value: number): boolean =>
  strict ? value > least : value >= least;
