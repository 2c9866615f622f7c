import { createKeyTable, type KeyTable } from '../../../detectors/key-table.ts';
import { addText, finishHash, newHash, startHash, type Hash } from '../../../detectors/hash.ts';

/** A table whose slots are claimed by text. */
export interface TextTable extends KeyTable {
  slot(key: string): number;
}

export function textTable(maxKeys = 1000, evict: (slot: number) => void = () => {}): TextTable {
  const table = createKeyTable({ name: 'table', maxKeys, evict });
  return Object.assign(table, { slot: (key: string) => table.claim(hashOf(key)) });
}

export function hashOf(key: string): Hash {
  const hash = newHash();
  startHash(hash);
  addText(hash, key);
  finishHash(hash);
  return hash;
}

type Section = readonly [string, Uint8Array];

/** What a snapshot would hold, each section copied, at an odd offset as in a chunk. */
export function saved(...parts: readonly Iterable<Section>[]): Map<string, Uint8Array> {
  const all = new Map<string, Uint8Array>();
  for (const part of parts)
    for (const [name, bytes] of part) {
      const copy = new Uint8Array(bytes.length + 3);
      copy.set(bytes, 3);
      all.set(name, copy.subarray(3));
    }
  return all;
}

export function isNear(found: number, expected: number, relative = 1e-9): void {
  const allowed = relative * Math.max(1e-12, Math.abs(expected));
  if (!(Math.abs(found - expected) <= allowed))
    throw new Error(`found ${found}, expected ${expected} within ${relative}`);
}
