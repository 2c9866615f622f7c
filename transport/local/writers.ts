import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../pipeline/files.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { Codec } from '../../schema/codec.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';

/**
 * The schemas that the segments of a topic were written with, each in a file beside them that is named after its
 * fingerprint. A version with another schema reads what its predecessor left with the predecessor's.
 */
export interface Writers<K extends RecordKind> {
  /** Fingerprint of the schema written now, in 16 hexadecimal digits. */
  readonly own: string;
  /** Reads records of the schema with that fingerprint. Throws `state_unusable` when its file is gone or unusable. */
  readonly decoder: (fingerprint: string) => Promise<(bytes: Buffer) => RecordTypes[K]>;
}

export async function openWriters<K extends RecordKind>(
  directory: string,
  codec: Codec<K>,
): Promise<Writers<K>> {
  const own = codec.fingerprint.toString('hex');
  const pathOf = (fingerprint: string): string => join(directory, `schema-${fingerprint}.avsc`);
  if (!existsSync(pathOf(own))) await writeAtomically(pathOf(own), codec.schema);
  const decoders = new Map([[own, codec.decode]]);
  return {
    own,
    async decoder(fingerprint) {
      const known = decoders.get(fingerprint);
      if (known) return known;
      const path = pathOf(fingerprint);
      try {
        const made = codec.decoderFor(await readFile(path, 'utf8'));
        decoders.set(fingerprint, made);
        return made;
      } catch (cause) {
        throw new WeirError('state_unusable', `${path}: segments of this schema cannot be read`, { cause });
      }
    },
  };
}
