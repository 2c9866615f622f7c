import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { LRUCache } from 'lru-cache';
import { positionText } from '../schema/ids.ts';
import {
  newFlow,
  type Endpoint,
  type Flow,
  type PolicyRef,
  type Request,
  type ServiceRef,
} from '../schema/records.ts';
import { dimensionNames, dimensions, factColumns, type DimensionName, type FactColumn } from './layout.ts';
import { dimensionDecoders, type Slice } from './slice.ts';
import { SYMBOLS } from './sql.ts';

const NAMES = Object.keys(factColumns) as FactColumn[];
/** 64-bit columns come as doubles: exact up to 2^53, and no BigInt is made. */
export const FACT_SELECT = NAMES.map((name) =>
  factColumns[name] === 'i64' ? `f."${name}"::DOUBLE AS "${name}"` : `f."${name}"`,
).join(', ');

const FACTS_OF: Readonly<Record<DimensionName, readonly FactColumn[]>> = {
  context: ['context'],
  reason: ['reason'],
  endpoint: ['source', 'destination'],
  service: ['service'],
  policies: ['policies'],
  request: ['request'],
};
const CACHED = 20_000;

/** Whole flows again from chunks of facts: every field as it was written. */
export interface RowReader {
  flows(chunk: DuckDBDataChunk): Promise<Flow[]>;
}

export function createRowReader(connection: DuckDBConnection, slice: Slice): RowReader {
  const decoders = dimensionDecoders(slice);
  const cache = Object.fromEntries(
    dimensionNames.map((name) => [name, new LRUCache<number, object>({ max: CACHED })]),
  ) as Record<DimensionName, LRUCache<number, object>>;

  /** The values of the wanted ids; what is not at hand comes in one query. */
  async function valuesOf(name: DimensionName, ids: ReadonlySet<number>): Promise<Map<number, object>> {
    const values = new Map<number, object>();
    const missing: number[] = [];
    for (const id of ids) {
      const value = cache[name].get(id);
      if (value) values.set(id, value);
      else if (id !== 0) missing.push(id);
    }
    if (missing.length > 0) {
      const rows = await connection.runAndReadAll(
        `SELECT id, body FROM ${slice.catalog}.${dimensions[name].table} WHERE id IN (${missing.join(', ')})`,
      );
      for (const [id, body] of rows.getRows() as [number, { bytes: Uint8Array }][]) {
        const value = decoders[name](Buffer.from(body.bytes)) as object;
        cache[name].set(id, value);
        values.set(id, value);
      }
    }
    return values;
  }

  async function idsOf(refs: ReadonlySet<number>): Promise<Map<number, string>> {
    if (refs.size === 0) return new Map();
    const rows = await connection.runAndReadAll(
      `SELECT id, value FROM ${slice.catalog}.ids WHERE id IN (${[...refs].join(', ')})`,
    );
    return new Map(rows.getRows() as [number, string][]);
  }

  return {
    async flows(chunk) {
      const columns = Object.fromEntries(
        NAMES.map((name, i) => [name, chunk.getColumnValues(i)]),
      ) as unknown as Record<FactColumn, number[]>;
      const values = {} as Record<DimensionName, Map<number, object>>;
      for (const name of dimensionNames) {
        const ids = new Set<number>();
        for (const fact of FACTS_OF[name]) for (const id of columns[fact]) ids.add(id);
        values[name] = await valuesOf(name, ids);
      }
      const refs = new Set(columns.idRef);
      refs.delete(0);
      const ids = await idsOf(refs);
      return Array.from({ length: chunk.rowCount }, (_, row) => flowOf(columns, row, values, ids));
    },
  };
}

interface ContextValue {
  readonly idPrefix: Uint8Array;
  readonly origin: string;
  readonly cluster: string;
  readonly node: string | null;
  readonly collector: string;
}

function flowOf(
  columns: Readonly<Record<FactColumn, readonly number[]>>,
  row: number,
  values: Readonly<Record<DimensionName, ReadonlyMap<number, object>>>,
  ids: ReadonlyMap<number, string>,
): Flow {
  const at = (name: FactColumn): number => columns[name][row]!;
  const nullable = (name: FactColumn): number | null => (at(name) === -1 ? null : at(name));
  const context = values.context.get(at('context')) as ContextValue;
  const reason = values.reason.get(at('reason')) as Pick<Flow, 'verdictRaw' | 'dropReason'> | undefined;
  const idRef = at('idRef');
  const flow = newFlow({
    id:
      idRef === 0
        ? Buffer.from(context.idPrefix).toString('latin1') + positionText(at('position'))
        : (ids.get(idRef) ?? ''),
    origin: context.origin,
    position: at('position'),
    cluster: context.cluster,
    collector: context.collector,
    startMs: at('startMs'),
    endMs: at('endMs'),
    receivedMs: at('receivedMs'),
    source: endpointOf(values.endpoint.get(at('source')) as Endpoint, nullable('sourcePort')),
    destination: endpointOf(values.endpoint.get(at('destination')) as Endpoint, nullable('destinationPort')),
  });
  flow.node = context.node;
  flow.reporter = SYMBOLS.reporter[at('reporter')] as Flow['reporter'];
  flow.unit = SYMBOLS.unit[at('unit')] as Flow['unit'];
  flow.aggregated = at('aggregated');
  flow.samplingRate = at('samplingRate');
  flow.counted = at('counted') === 1;
  flow.verdict = SYMBOLS.verdict[at('verdict')] as Flow['verdict'];
  flow.verdictRaw = reason?.verdictRaw ?? null;
  flow.dropReason = reason?.dropReason ?? null;
  flow.protocol = nullable('protocol');
  flow.icmpType = nullable('icmpType');
  flow.icmpCode = nullable('icmpCode');
  flow.tcpFlags = nullable('tcpFlags');
  flow.direction = SYMBOLS.direction[at('direction')] as Flow['direction'];
  flow.initiatorGuessed = at('initiatorGuessed') === 1;
  flow.service = (values.service.get(at('service')) as ServiceRef | undefined) ?? null;
  flow.sourceBytes = nullable('sourceBytes');
  flow.destinationBytes = nullable('destinationBytes');
  flow.sourcePackets = nullable('sourcePackets');
  flow.destinationPackets = nullable('destinationPackets');
  flow.connectionsStarted = nullable('connectionsStarted');
  flow.connectionsCompleted = nullable('connectionsCompleted');
  flow.connectionsLive = nullable('connectionsLive');
  flow.policies = (values.policies.get(at('policies')) as readonly PolicyRef[] | undefined) ?? [];
  flow.request = (values.request.get(at('request')) as Request | undefined) ?? null;
  flow.malformed = at('malformed') === 1;
  flow.inventoryStale = at('inventoryStale') === 1;
  return flow;
}

/** The dimension holds who an endpoint is; each flow has its own port. */
const endpointOf = (endpoint: Endpoint, port: number | null): Endpoint => ({ ...endpoint, port });
