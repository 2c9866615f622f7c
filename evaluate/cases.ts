import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../pipeline/errors.ts';

/** One labelled recording of a directory. */
export interface Case {
  readonly name: string;
  /** What the index says it is about; empty when it says nothing. */
  readonly about: string;
  /** Path of the conn.log; null when the index names a case that has none. */
  readonly log: string | null;
  /** Path of the labels; null when there are none. */
  readonly labels: string | null;
}

export interface Directory {
  readonly cases: readonly Case[];
  /** What is odd about the directory itself, for the reader of the report. */
  readonly notes: readonly string[];
}

const LOG = /^(.+)\.conn\.log(\.gz)?$/;

/** The cases of a directory: those of its index, and recordings that lie in it beside the index. */
export function listCases(directory: string): Directory {
  const notes: string[] = [];
  const indexed = readIndex(directory, notes);
  const names = new Map(indexed);
  for (const file of readdirSync(directory)) {
    const name = LOG.exec(file)?.[1];
    if (name !== undefined && !names.has(name)) names.set(name, '');
  }
  const cases = [...names].map(([name, about]) => ({
    name,
    about,
    log: found(directory, name, 'conn.log'),
    labels: found(directory, name, 'labels.csv'),
  }));
  return { cases: cases.sort((a, b) => (a.name < b.name ? -1 : 1)), notes };
}

function found(directory: string, name: string, kind: string): string | null {
  for (const file of [`${name}.${kind}.gz`, `${name}.${kind}`, join(name, `${kind}.gz`), join(name, kind)]) {
    const path = join(directory, file);
    if (existsSync(path)) return path;
  }
  return null;
}

/** Name and subject of each case of `index.json`; nothing when there is none or it cannot be read. */
function readIndex(directory: string, notes: string[]): [string, string][] {
  const path = join(directory, 'index.json');
  if (!existsSync(path)) {
    notes.push('there is no index.json: the recordings of the directory are taken as they are');
    return [];
  }
  try {
    const index: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const list = Array.isArray(index) ? index : ((index as { cases?: unknown[] }).cases ?? []);
    return list.flatMap((entry): [string, string][] => {
      const fields = entry as Readonly<Record<string, unknown>> | null;
      const name = fields?.['case'] ?? fields?.['name'];
      const about = fields?.['about'];
      return typeof name === 'string' ? [[name, typeof about === 'string' ? about : '']] : [];
    });
  } catch (error) {
    notes.push(`index.json cannot be read: ${messageOf(error)}`);
    return [];
  }
}
