import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type avro from 'avsc';
import type { DuckDBConnection } from '@duckdb/node-api';
import { schemas, type RecordKind, type RecordTypes } from '../schema/records.ts';
import { codecOf } from '../schema/codec.ts';
import {
  createTables,
  dimensionNames,
  dimensions,
  dimensionTypes,
  LAYOUT_VERSION,
  type DimensionName,
} from './layout.ts';

/** One database file, attached under the name of its catalog. */
export interface Slice {
  readonly catalog: string;
  readonly path: string;
  readonly createdMs: number;
  /** When it was closed for writing; null while it is open. */
  sealedMs: number | null;
  /** Schemas its bytes were written with, by kind. */
  readonly schemas: ReadonlyMap<string, string>;
  /** Rows and event times it spans; unknown until asked. Only kept for sealed slices. */
  span: Span | null;
  /** Searches under way in it. */
  readers: number;
  /** To be removed as soon as nobody reads it. */
  doomed: boolean;
}
export interface Span {
  readonly rows: number;
  readonly startMs: number | null;
  readonly endMs: number | null;
}

const NAME = /^slice-(\d{13})\.duckdb$/;

/** Paths of the slices in a directory, oldest first. A write-ahead log whose slice is gone is removed. */
export function listSlices(dir: string): readonly { readonly path: string; readonly createdMs: number }[] {
  const names = readdirSync(dir);
  for (const name of names) {
    if (/^slice-\d{13}\.duckdb\.wal$/.test(name) && !names.includes(name.slice(0, -4)))
      rmSync(join(dir, name));
  }
  return names
    .flatMap((name) => {
      const match = NAME.exec(name);
      return match ? [{ path: join(dir, name), createdMs: Number(match[1]) }] : [];
    })
    .sort((a, b) => a.createdMs - b.createdMs);
}

export const slicePath = (dir: string, createdMs: number): string =>
  join(dir, `slice-${String(createdMs).padStart(13, '0')}.duckdb`);

/** Bytes of a slice with its write-ahead log. */
export function sizeOf(slice: Pick<Slice, 'path'>): number {
  let bytes = 0;
  for (const path of [slice.path, `${slice.path}.wal`])
    bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}

export function removeFiles(path: string): void {
  rmSync(`${path}.wal`, { force: true });
  rmSync(path, { force: true });
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Attaches a file and reads what it says of itself; null when its creation was never committed. */
export async function attachSlice(
  connection: DuckDBConnection,
  path: string,
  createdMs: number,
): Promise<Slice | null> {
  const catalog = `s${createdMs}`;
  await connection.run(`ATTACH ${quoted(path)} AS ${catalog}`);
  const tables = await connection.runAndReadAll(
    `SELECT 1 FROM duckdb_tables() WHERE database_name = '${catalog}' AND table_name = 'meta'`,
  );
  if (tables.currentRowCount === 0) {
    await connection.run(`DETACH ${catalog}`);
    return null;
  }
  const meta = await connection.runAndReadAll(`SELECT key, value FROM ${catalog}.meta`);
  const values = new Map(meta.getRows() as [string, string][]);
  const sealed = values.get('sealedMs');
  return {
    catalog,
    path,
    createdMs,
    sealedMs: sealed === undefined ? null : Number(sealed),
    schemas: new Map(
      [...values].flatMap(([key, value]) =>
        key.startsWith('schema:') ? [[key.slice(7), value] as const] : [],
      ),
    ),
    span: null,
    readers: 0,
    doomed: false,
  };
}

/** Whether this version can go on writing into a slice that an earlier run left open. */
export async function isWritable(connection: DuckDBConnection, slice: Slice): Promise<boolean> {
  if (slice.sealedMs !== null) return false;
  const version = await connection.runAndReadAll(
    `SELECT value FROM ${slice.catalog}.meta WHERE key = 'layout'`,
  );
  if (version.getRows()[0]?.[0] !== LAYOUT_VERSION) return false;
  return Object.entries(schemas).every(([kind, schema]) => slice.schemas.get(kind) === schema);
}

/** Where the log's cursors stand, by `log`, topic and partition. */
export type Cursors = ReadonlyMap<string, Cursor>;
export interface Cursor {
  readonly log: string;
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
}
export const cursorKey = (log: string, topic: string, partition: number): string =>
  `${partition} ${topic} ${log}`;

/** A new slice: tables, schemas and the cursors so far, in one transaction. */
export async function createSlice(
  connection: DuckDBConnection,
  dir: string,
  createdMs: number,
  cursors: Cursors,
): Promise<Slice> {
  const path = slicePath(dir, createdMs);
  if (existsSync(path)) throw new Error(`${path} exists`);
  const catalog = `s${createdMs}`;
  await connection.run(`ATTACH ${quoted(path)} AS ${catalog}`);
  await connection.run('BEGIN');
  for (const statement of createTables(catalog)) await connection.run(statement);
  const values = [`('layout', '${LAYOUT_VERSION}')`];
  for (const [kind, schema] of Object.entries(schemas)) values.push(`('schema:${kind}', ${quoted(schema)})`);
  await connection.run(`INSERT INTO ${catalog}.meta VALUES ${values.join(', ')}`);
  for (const { log, topic, partition, next } of cursors.values()) {
    await connection.run(
      `INSERT INTO ${catalog}.cursors VALUES (${quoted(log)}, ${quoted(topic)}, ${partition}, ${next})`,
    );
  }
  await connection.run('COMMIT');
  return {
    catalog,
    path,
    createdMs,
    sealedMs: null,
    schemas: new Map(Object.entries(schemas)),
    span: null,
    readers: 0,
    doomed: false,
  };
}

export async function readCursors(connection: DuckDBConnection, slice: Slice): Promise<Map<string, Cursor>> {
  const rows = await connection.runAndReadAll(
    `SELECT log, topic, part, max(next)::DOUBLE FROM ${slice.catalog}.cursors GROUP BY ALL`,
  );
  const cursors = new Map<string, Cursor>();
  for (const [log, topic, partition, next] of rows.getRows() as [string, string, number, number][]) {
    cursors.set(cursorKey(log, topic, partition), { log, topic, partition, next });
  }
  return cursors;
}

/** Decoders of a slice's dimension bytes into the records of this version. */
export function dimensionDecoders(slice: Slice): Readonly<Record<DimensionName, (bytes: Buffer) => unknown>> {
  const written = slice.schemas.get('flow');
  const writers = written === undefined || written === schemas.flow ? null : dimensionTypes(written);
  const decoders: Partial<Record<DimensionName, (bytes: Buffer) => unknown>> = {};
  for (const name of dimensionNames) {
    const type: avro.Type = dimensions[name].type;
    if (writers) {
      const resolver = type.createResolver(writers[name]);
      decoders[name] = (bytes) => type.fromBuffer(bytes, resolver);
    } else {
      decoders[name] = (bytes) => type.fromBuffer(bytes);
    }
  }
  return decoders as Record<DimensionName, (bytes: Buffer) => unknown>;
}

/** A decoder of a slice's events of one kind. */
export function eventDecoder<K extends RecordKind>(slice: Slice, kind: K): (bytes: Buffer) => RecordTypes[K] {
  const written = slice.schemas.get(kind);
  const codec = codecOf(kind);
  if (written !== undefined && written !== schemas[kind]) return codec.decoderFor(written);
  return (bytes) => codec.decode(bytes);
}
