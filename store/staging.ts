import {
  BIGINT,
  DuckDBDataChunk,
  INTEGER,
  UTINYINT,
  type DuckDBAppender,
  type DuckDBConnection,
} from '@duckdb/node-api';
import { ipv4Number } from '../query/address.ts';
import type { Endpoint, RecordKind } from '../schema/records.ts';
import { hexOf } from './address.ts';
import { newFactBuffer, CHUNK_ROWS, type Cells } from './fact-buffer.ts';
import { dimensionNames, dimensions, factColumns, type DimensionName } from './layout.ts';
import { createProjection, newDictionaries, type Dictionaries } from './projection.ts';
import type { Cursor } from './slice.ts';

const TYPES = { u8: UTINYINT, i32: INTEGER, i64: BIGINT } as const;
const COLUMNS = Object.entries(factColumns) as [keyof typeof factColumns, keyof typeof TYPES][];

export interface EventRow {
  readonly kind: RecordKind;
  readonly id: string;
  readonly revision: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly body: Uint8Array;
}

/** What one transaction is going to hold. */
export interface Load {
  readonly chunks: DuckDBDataChunk[];
  rows: number;
  readonly events: EventRow[];
  readonly ids: { readonly id: number; readonly value: string }[];
  readonly cursors: Map<string, Cursor>;
  /** Dimension ids up to and including these are new with this load or older. */
  readonly upTo: Readonly<Record<DimensionName, number>>;
}

/** Collects rows for one slice: chunks of facts, new dimension values, events. */
export interface Stager {
  readonly dictionaries: Dictionaries;
  readonly rows: number;
  /** Rows, events or cursors wait. */
  readonly hasWork: boolean;
  /** Throws RangeError when the bytes are no flow; nothing is added then. */
  addFlow(bytes: Uint8Array, from: number, to: number): void;
  addEvent(event: EventRow): void;
  setCursor(key: string, cursor: Cursor): void;
  /** Gives what was collected and begins anew. */
  take(): Load;
}

export function createStager(nextIdRef: number): Stager {
  const dictionaries = newDictionaries();
  const buffer = newFactBuffer();
  let idRef = nextIdRef;
  let row = 0;
  let load = newLoad();

  const projection = createProjection(dictionaries, (id) => {
    load.ids.push({ id: idRef, value: id });
    return idRef++;
  });

  function newLoad(): Load & { upTo: Record<DimensionName, number> } {
    return {
      chunks: [],
      rows: 0,
      events: [],
      ids: [],
      cursors: new Map(),
      upTo: { context: 0, reason: 0, endpoint: 0, service: 0, policies: 0, request: 0 },
    };
  }

  function flush(): void {
    if (row === 0) return;
    const chunk = DuckDBDataChunk.create(
      COLUMNS.map(([, width]) => TYPES[width]),
      row,
    );
    for (const [i, [name, width]] of COLUMNS.entries())
      fill(chunk, i, buffer[name], width === 'i64' ? row * 8 : 0, row);
    load.chunks.push(chunk);
    row = 0;
  }

  return {
    dictionaries,
    get rows() {
      return load.rows;
    },
    get hasWork() {
      return load.rows > 0 || load.events.length > 0 || load.cursors.size > 0;
    },
    addFlow(bytes, from, to) {
      projection.read(bytes, from, to, buffer, row);
      load.rows++;
      if (++row === CHUNK_ROWS) flush();
    },
    addEvent: (event) => void load.events.push(event),
    setCursor: (key, cursor) => void load.cursors.set(key, cursor),
    take() {
      flush();
      const taken = load;
      for (const name of dimensionNames) taken.upTo[name] = dictionaries[name].size;
      load = newLoad();
      return taken;
    },
  };
}

/** Copies cells into a vector's own memory; its setters check and convert every value, which costs the most. */
function fill(chunk: DuckDBDataChunk, column: number, cells: Cells, wideBytes: number, rows: number): void {
  const vector = chunk.getColumnVector(column) as unknown as { items: Cells; flush(): void };
  const { items } = vector;
  const bytes = wideBytes || rows * cells.BYTES_PER_ELEMENT;
  new Uint8Array(items.buffer, items.byteOffset, bytes).set(
    new Uint8Array(cells.buffer, cells.byteOffset, bytes),
  );
  vector.flush();
}

/** Appends a load inside the transaction that the connection has open. `from` are the dimension ids written so far. */
export async function appendLoad(
  connection: DuckDBConnection,
  catalog: string,
  load: Load,
  dictionaries: Dictionaries,
  from: Readonly<Record<DimensionName, number>>,
): Promise<void> {
  const into = async (table: string, append: (appender: DuckDBAppender) => void): Promise<void> => {
    const appender = await connection.createAppender(table, null, catalog);
    append(appender);
    appender.closeSync();
  };
  for (const name of dimensionNames) {
    if (load.upTo[name] > from[name])
      await appendDimension(into, name, dictionaries, from[name], load.upTo[name]);
  }
  if (load.chunks.length > 0) {
    await into('facts', (appender) => {
      for (const chunk of load.chunks) appender.appendDataChunk(chunk);
    });
  }
  if (load.ids.length > 0) {
    await into('ids', (appender) => {
      for (const { id, value } of load.ids) appendRow(appender, [id, value]);
    });
  }
  if (load.events.length > 0) {
    await into('events', (appender) => {
      for (const event of load.events) {
        appender.appendVarchar(event.kind);
        appender.appendVarchar(event.id);
        appender.appendInteger(event.revision);
        appender.appendBigInt(BigInt(event.fromMs));
        appender.appendBigInt(BigInt(event.toMs));
        appender.appendBlob(event.body);
        appender.endRow();
      }
    });
  }
  if (load.cursors.size > 0) {
    await into('cursors', (appender) => {
      for (const cursor of load.cursors.values()) {
        appender.appendVarchar(cursor.log);
        appender.appendVarchar(cursor.topic);
        appender.appendInteger(cursor.partition);
        appender.appendBigInt(BigInt(cursor.next));
        appender.endRow();
      }
    });
  }
}

type Into = (table: string, append: (appender: DuckDBAppender) => void) => Promise<void>;

async function appendDimension(
  into: Into,
  name: DimensionName,
  dictionaries: Dictionaries,
  after: number,
  upTo: number,
): Promise<void> {
  const spec = dimensions[name];
  const children = spec.children.map(() => [] as (readonly unknown[])[]);
  await into(spec.table, (appender) => {
    for (let id = after + 1; id <= upTo; id++) {
      const body = dictionaries[name].bytesOf(id);
      const value: unknown = spec.type.fromBuffer(body);
      appender.appendInteger(id);
      appender.appendBlob(body);
      for (const [i, cell] of spec.row(value).entries()) appendCell(appender, cell, spec.columns[i]!.sql);
      if (name === 'endpoint') appendAddress(appender, value as Endpoint);
      appender.endRow();
      for (const [i, child] of spec.children.entries()) {
        for (const row of child.rows(value)) children[i]!.push([id, ...row]);
      }
    }
  });
  for (const [i, child] of spec.children.entries()) {
    if (children[i]!.length === 0) continue;
    await into(child.table, (appender) => {
      for (const [id, ...cells] of children[i]!) {
        appender.appendInteger(id as number);
        for (const [j, cell] of cells.entries()) appendCell(appender, cell, child.columns[j]!.sql);
        appender.endRow();
      }
    });
  }
}

function appendAddress(appender: DuckDBAppender, endpoint: Endpoint): void {
  const v4 = endpoint.ip === null ? -1 : ipv4Number(endpoint.ip);
  appendCell(appender, v4 < 0 ? null : v4, 'BIGINT');
  appendCell(appender, endpoint.ip !== null && v4 < 0 ? hexOf(endpoint.ip) : null, 'VARCHAR');
  appender.appendBoolean(endpoint.labels !== null);
}

function appendRow(appender: DuckDBAppender, cells: readonly [number, string]): void {
  appender.appendInteger(cells[0]);
  appender.appendVarchar(cells[1]);
  appender.endRow();
}

function appendCell(appender: DuckDBAppender, cell: unknown, sql: string): void {
  if (cell === null || cell === undefined) appender.appendNull();
  else if (sql === 'VARCHAR') appender.appendVarchar(cell as string);
  else if (sql === 'INTEGER') appender.appendInteger(cell as number);
  else if (sql === 'BIGINT') appender.appendBigInt(BigInt(cell as number));
  else appender.appendBoolean(cell as boolean);
}
