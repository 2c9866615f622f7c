import type { Entry } from '../../pipeline/log.ts';
import type { RecordKind } from '../../schema/records.ts';
import type { Lease, SlabPool } from './slabs.ts';

/** Encoded records of one append, or of several that were made in the same turn. */
export interface Values {
  readonly lease: Lease;
  /** The bytes of this record, if another append has encoded it at this index already. */
  get(index: number, record: object, prefix: Buffer): Buffer | undefined;
  set(index: number, record: object, prefix: Buffer, value: Buffer): void;
  /** The bytes are not read any more by this append. */
  end(): void;
}

interface Shared {
  readonly kind: RecordKind;
  readonly count: number;
  readonly lease: Lease;
  readonly records: object[];
  readonly values: Buffer[];
  prefix: Buffer | null;
  users: number;
}

/**
 * The enricher appends the same flows to two topics in one turn: no one can have changed them between, so the second
 * copy takes the bytes of the first.
 */
export function sharedValues(slabs: SlabPool): {
  join(kind: RecordKind, entries: readonly Entry<object>[]): Values;
} {
  let latest: Shared | null = null;
  let clearing = false;

  function shared(kind: RecordKind, count: number): Shared {
    if (latest && latest.kind === kind && latest.count === count) return latest;
    latest = { kind, count, lease: slabs.lease(), records: [], values: [], prefix: null, users: 0 };
    if (!clearing) {
      clearing = true;
      queueMicrotask(() => {
        clearing = false;
        latest = null;
      });
    }
    return latest;
  }

  return {
    join(kind, entries) {
      const mine = shared(kind, entries.length);
      mine.users++;
      return {
        lease: mine.lease,
        get: (index, record, prefix) =>
          mine.records[index] === record && mine.prefix === prefix ? mine.values[index] : undefined,
        set(index, record, prefix, value) {
          if (mine.prefix !== null && mine.prefix !== prefix) return;
          mine.prefix = prefix;
          mine.records[index] = record;
          mine.values[index] = value;
        },
        end() {
          if (--mine.users === 0) mine.lease.end();
        },
      };
    },
  };
}
