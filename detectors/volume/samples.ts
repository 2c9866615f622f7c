import type { Role } from '../../pipeline/contracts.ts';
import type { Flow } from '../../schema/records.ts';

/** A flow of an entity, by which an alert about what did not come can show whom it is about. */
export interface Sample {
  readonly flow: Flow;
  /** Which side of it the entity is. */
  readonly role: Role;
}

export interface Samples {
  get(slot: number): Sample | undefined;
  set(slot: number, sample: Sample): void;
  delete(slot: number): void;
  section(): readonly [string, Uint8Array];
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** One flow a profile at most: about 1.5 kB of the snapshot each. */
export function createSamples(): Samples {
  const held = new Map<number, Sample>();
  return {
    get: (slot) => held.get(slot),
    set(slot, sample) {
      held.set(slot, sample);
    },
    delete(slot) {
      held.delete(slot);
    },
    section: () => ['samples', Buffer.from(JSON.stringify([...held]))],
    restore(sections) {
      held.clear();
      const bytes = sections.get('samples');
      const saved = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as [number, Sample][]) : [];
      for (const [slot, sample] of saved) held.set(slot, sample);
    },
  };
}
