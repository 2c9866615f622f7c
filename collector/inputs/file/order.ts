import { basename, dirname, join } from 'node:path';

export interface Sequence {
  /** What the files of one rotated log have in common. */
  readonly series: string;
  /** Greater is older; 0 is the file being written. */
  readonly age: number;
  /** Text by which files of one age are ordered, oldest first. */
  readonly stamp: string;
}

/**
 * Place of a file in its log's rotation, from its name: `x.log.3`, `x.log.2.gz` (greater is older),
 * `x.log-20240131`, `conn.10:00:00-11:00:00.log.gz` (by text), `x.log` (newest).
 */
export function sequenceOf(path: string): Sequence {
  const name = basename(path).replace(/\.(?:gz|gzip)$/, '');
  const numbered = /^(.*?)\.(\d{1,4})$/.exec(name);
  if (numbered) return { series: join(dirname(path), numbered[1]!), age: Number(numbered[2]), stamp: '' };
  const dated = /^(.*?)[-_.](\d{4}[-_]?\d\d[-_]?\d\d[\dTZ:._-]*|\d\d:\d\d:\d\d-\d\d:\d\d:\d\d)(.*)$/.exec(
    name,
  );
  if (dated) return { series: join(dirname(path), dated[1]! + dated[3]!), age: 1, stamp: dated[2]! };
  return { series: join(dirname(path), name), age: 0, stamp: '' };
}

/** Oldest first within a series. */
export function byAge(a: Sequence, b: Sequence): number {
  if (a.age !== b.age) return b.age - a.age;
  return a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0;
}
