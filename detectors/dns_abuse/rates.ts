import type { Flow } from '../../schema/records.ts';
import { bytesOfBoth } from '../exchange.ts';
import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';

const MINUTE_MS = 60_000;
const UDP = 17;

/** What a pair did in the present minute, and in its busiest one while it was learned. */
export interface Minute {
  readonly bytes: number;
  readonly queries: number;
  readonly peakBytes: number;
  readonly peakQueries: number;
  readonly ageMs: number;
}

/** Traffic of each pair by the minute. */
export interface Rates {
  readonly size: number;
  add(pair: Hash, flow: Flow, timeMs: number): Minute;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** Queries of a flow: a packet each over UDP; over a stream only connections can be counted. */
const queriesOf = (flow: Flow): number =>
  flow.protocol === UDP
    ? Math.max(1, flow.sourcePackets ?? flow.aggregated)
    : Math.max(1, flow.connectionsStarted ?? 1);

/** What lasted for longer than a minute counts by its mean, in the minute it ended in. */
export function createRates(learnMs: number, maxKeys: number, evict: () => void): Rates {
  const table = createKeyTable({ name: 'pair', maxKeys, evict });
  const firstMs = table.column('firstMs', Float64Array);
  const minutes = table.column('minute', Float64Array);
  const bytes = table.column('bytes', Float64Array);
  const queries = table.column('queries', Float64Array);
  const peakBytes = table.column('peakBytes', Float64Array);
  const peakQueries = table.column('peakQueries', Float64Array);
  return {
    get size() {
      return table.size;
    },
    add(pair, flow, timeMs) {
      let slot = table.find(pair);
      if (slot === -1) {
        slot = table.claim(pair);
        firstMs.at[slot] = timeMs;
      }
      const minute = Math.floor(timeMs / MINUTE_MS);
      if (minutes.at[slot] !== minute) {
        minutes.at[slot] = minute;
        bytes.at[slot] = 0;
        queries.at[slot] = 0;
      }
      const share = MINUTE_MS / Math.max(MINUTE_MS, timeMs - flow.startMs);
      const nowBytes = bytes.at[slot]! + (bytesOfBoth(flow) ?? 0) * share;
      const nowQueries = queries.at[slot]! + queriesOf(flow) * share;
      bytes.at[slot] = nowBytes;
      queries.at[slot] = nowQueries;
      const ageMs = timeMs - firstMs.at[slot]!;
      const found = {
        bytes: nowBytes,
        queries: nowQueries,
        peakBytes: peakBytes.at[slot]!,
        peakQueries: peakQueries.at[slot]!,
        ageMs,
      };
      if (ageMs < learnMs) {
        peakBytes.at[slot] = Math.max(found.peakBytes, nowBytes);
        peakQueries.at[slot] = Math.max(found.peakQueries, nowQueries);
      }
      return found;
    },
    sections: () => table.sections(),
    restore: (sections) => table.restore(sections),
  };
}
