import type { Assignment } from './log.ts';

/** What a cursor's metadata says: where the state lies that belongs to it. */
export interface Manifest {
  readonly id: string;
  readonly sequence: number;
  readonly reference: string;
  /** Offset to go on reading from, by feed. */
  readonly resume: readonly number[];
}

/** Null for what is no manifest: another program's metadata, or a damaged one. */
function manifestOf(metadata: string): Manifest | null {
  try {
    const manifest = JSON.parse(metadata) as Partial<Manifest>;
    return typeof manifest.reference === 'string' && Array.isArray(manifest.resume)
      ? (manifest as Manifest)
      : null;
  } catch {
    return null;
  }
}

/** The newest that the cursors of a group's partitions name. */
export function newestManifest(partitions: readonly Pick<Assignment, 'metadata'>[]): Manifest | null {
  let newest: Manifest | null = null;
  for (const { metadata } of partitions) {
    if (!metadata) continue;
    const manifest = manifestOf(metadata);
    if (manifest && (!newest || manifest.sequence > newest.sequence)) newest = manifest;
  }
  return newest;
}
