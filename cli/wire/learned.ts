import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../pipeline/errors.ts';
import { readJson, writeAtomically } from '../../pipeline/files.ts';
import type { Learned } from '../../pipeline/learned.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import { fileSnapshots, type SnapshotStore } from '../../pipeline/snapshots.ts';
import { digest } from '../../schema/ids.ts';
import type { ControlChannel } from './control.ts';
import type { Shared } from './process.ts';

const KIND = 'baseline';

/** Where the states of lanes lie that were learned of history. */
const index = z.object({
  id: z.string().min(1),
  lanes: z.int().min(1),
  /** A reference to the snapshot of each lane. */
  references: z.array(z.string()),
  madeMs: z.number(),
  fromMs: z.number(),
  toMs: z.number(),
  flows: z.number(),
});
export type LearnedIndex = z.output<typeof index>;

/** The newest that was learned of history. */
export interface LearnedSource {
  newest(): Learned | null;
}

const directoryOf = (stateDir: string): string => join(stateDir, 'baseline');
const indexOf = (stateDir: string): string => join(directoryOf(stateDir), 'baseline.json');

/** Keeps what the lanes have learned beside the state of a process that runs alone. */
export async function keepInFiles(
  stateDir: string,
  lanes: readonly (readonly Uint8Array[])[],
  about: Pick<LearnedIndex, 'madeMs' | 'fromMs' | 'toMs' | 'flows'>,
): Promise<void> {
  const snapshots = fileSnapshots(directoryOf(stateDir));
  const references = await writeLanes(snapshots, lanes);
  const made: LearnedIndex = { id: randomUUID(), lanes: lanes.length, references, ...about };
  await writeAtomically(indexOf(stateDir), JSON.stringify(made));
  for (const [lane, reference] of references.entries()) await snapshots.named?.(lane, reference);
}

/** Keeps it in the log, for every process that has lanes. */
export async function keepInLog(
  { control, snapshots }: { readonly control: ControlChannel; readonly snapshots: SnapshotStore },
  lanes: readonly (readonly Uint8Array[])[],
  about: Pick<LearnedIndex, 'madeMs' | 'fromMs' | 'toMs' | 'flows'>,
): Promise<void> {
  const references = await writeLanes(snapshots, lanes);
  const made: LearnedIndex = { id: randomUUID(), lanes: lanes.length, references, ...about };
  await control.publish({
    kind: KIND,
    id: `${KIND}-${digest(16, made.id)}`,
    timeMs: about.madeMs,
    body: made,
    access: {
      action: 'baseline_learned',
      detail: `${about.flows} flows from ${new Date(about.fromMs).toISOString()} to ${new Date(about.toMs).toISOString()}`,
    },
  });
}

async function writeLanes(
  snapshots: SnapshotStore,
  lanes: readonly (readonly Uint8Array[])[],
): Promise<string[]> {
  const references: string[] = [];
  for (const [lane, chunks] of lanes.entries()) references.push(await snapshots.write(lane, chunks));
  return references;
}

const learnedOf = ({ id, references }: LearnedIndex, snapshots: SnapshotStore): Learned => ({
  id,
  read: (lane) => snapshots.read(lane, references[lane]!),
});

interface FileOptions {
  readonly lanes: number;
  readonly everyMs: number;
}

/** Looks for it in the state directory at the start, and now and then. */
export function learnedOfFiles(
  stateDir: string,
  { lanes, everyMs }: FileOptions,
  { clock, log }: Shared,
): LearnedSource & { start(): Promise<void>; readonly pump: Pump } {
  let newest: { readonly id: string; readonly learned: Learned | null } | null = null;

  async function look(): Promise<void> {
    try {
      const found = await readJson(indexOf(stateDir));
      if (found === undefined) return;
      const read = index.parse(found);
      if (read.id === newest?.id) return;
      const fits = read.lanes === lanes;
      newest = { id: read.id, learned: fits ? learnedOf(read, fileSnapshots(directoryOf(stateDir))) : null };
      if (!fits) log.warn({ lanes: read.lanes, expected: lanes }, 'what was learned is of other lanes');
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'what was learned of history cannot be read');
    }
  }

  return {
    newest: () => newest?.learned ?? null,
    start: look,
    pump: {
      name: 'baseline',
      async run({ drain }) {
        for (;;) {
          await clock.sleep(everyMs, drain);
          if (drain.aborted) return;
          await look();
        }
      },
    },
  };
}

/** Hears of it in `weir.control`. */
export function learnedOfControl(
  control: ControlChannel,
  { lanes, snapshots }: { readonly lanes: number; readonly snapshots: SnapshotStore },
  { log }: Shared,
): LearnedSource {
  let newest: Learned | null = null;
  control.on(KIND, (record) => {
    const read = index.parse(JSON.parse(record.body));
    if (read.lanes === lanes) newest = learnedOf(read, snapshots);
    else log.warn({ lanes: read.lanes, expected: lanes }, 'what was learned is of other lanes');
  });
  return { newest: () => newest };
}
