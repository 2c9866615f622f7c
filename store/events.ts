import type { Codec } from '../schema/codec.ts';
import type { RecordKind } from '../schema/records.ts';
import type { EventRow } from './staging.ts';

type Holder = Readonly<Record<string, unknown>>;

/** Where each kind says from when and until when it speaks. */
const TIMES: Readonly<Record<Exclude<RecordKind, 'flow'>, readonly [string, string]>> = {
  alert: ['firstMs', 'raisedMs'],
  incident: ['firstMs', 'lastMs'],
  policy_change: ['timeMs', 'timeMs'],
  loss: ['sinceMs', 'untilMs'],
  access: ['timeMs', 'timeMs'],
  inventory: ['validFromMs', 'validToMs'],
  control: ['timeMs', 'timeMs'],
  dead_letter: ['timeMs', 'timeMs'],
};

/** A record that is no flow, kept whole with what it is looked up by. Throws when the bytes are no such record. */
export function eventRow<K extends RecordKind>(kind: K, body: Buffer, codec: Codec<K>): EventRow {
  const record = codec.decode(body) as unknown as Holder;
  const [from, to] = TIMES[kind as Exclude<K, 'flow'>];
  const fromMs = record[from] as number;
  return {
    kind,
    id: record['id'] as string,
    revision: typeof record['revision'] === 'number' ? record['revision'] : 0,
    fromMs,
    toMs: (record[to] as number | null) ?? Number.MAX_SAFE_INTEGER,
    body,
  };
}
