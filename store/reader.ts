import type { DuckDBConnection, DuckDBDataChunk, DuckDBResult } from '@duckdb/node-api';
import { codecOf } from '../schema/codec.ts';
import type { Flow, RecordKind, RecordTypes } from '../schema/records.ts';
import type { Bound } from '../query/bind.ts';
import { compileQuery } from '../query/evaluate.ts';
import type { Engine, View } from './engine-contract.ts';
import { createRowReader, FACT_SELECT } from './rows.ts';
import { boundOf, type SearchFooter, type SearchRequest } from './search.ts';
import { eventDecoder, type Slice, type Span } from './slice.ts';
import { whereOf } from './sql.ts';

/** Up to so many flows a slice gives in one sorted query; more are read in pieces of time. */
const SORTED_AT_ONCE = 65_536;
const PIECES = 256;
const PAGE_ROWS = 2048;

interface Range {
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

const overlap = ({ fromMs, toMs }: Range): string => {
  const parts = ['true'];
  if (fromMs !== null) parts.push(`f."endMs" >= ${fromMs}`);
  if (toMs !== null) parts.push(`f."startMs" <= ${toMs}`);
  return parts.join(' AND ');
};

/** How many rows a slice has and which event times they span. */
async function spanOf(connection: DuckDBConnection, slice: Slice): Promise<Span> {
  if (slice.span) return slice.span;
  const result = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE, min("startMs")::DOUBLE, max("endMs")::DOUBLE FROM ${slice.catalog}.facts`,
  );
  const [rows, startMs, endMs] = result.getRows()[0] as [number, number | null, number | null];
  const span = { rows, startMs, endMs };
  if (slice.sealedMs !== null) slice.span = span;
  return span;
}

async function touched(view: View, range: Range): Promise<{ slice: Slice; span: Span }[]> {
  const out: { slice: Slice; span: Span }[] = [];
  for (const slice of view.slices) {
    const span = await spanOf(view.connection, slice);
    if (span.startMs === null || span.endMs === null) continue;
    if (range.fromMs !== null && span.endMs < range.fromMs) continue;
    if (range.toMs !== null && span.startMs > range.toMs) continue;
    out.push({ slice, span });
  }
  return out;
}

/**
 * Flows that fit, newest (by endMs) first over all slices, in pages. What is held at a time is bounded, however
 * many fit: beyond a limit the range is halved into pieces of time until each is small.
 */
export async function* searchFlows(engine: Engine, request: SearchRequest): AsyncGenerator<Flow[]> {
  const bound = boundOf(request);
  const view = await engine.view();
  try {
    const slices = await touched(view, request);
    let left = request.limit ?? Infinity;
    if (slices.length === 0 || left <= 0) return;
    const pieces =
      left <= SORTED_AT_ONCE
        ? [{ fromMs: null, toMs: null }]
        : inPieces(
            view.connection,
            slices.map(({ slice }) => slice),
            bound,
            request,
            {
              fromMs: Math.min(...slices.map(({ span }) => span.startMs!)),
              toMs: Math.max(...slices.map(({ span }) => span.endMs!)),
            },
          );
    for await (const piece of pieces) {
      for await (const page of sorted(
        view,
        slices.map(({ slice }) => slice),
        bound,
        request,
        piece,
        left,
      )) {
        yield page;
        left -= page.length;
        if (left <= 0) return;
      }
    }
  } finally {
    await view.release();
  }
}

/** Pieces of event time with few enough matches each, newest first. */
async function* inPieces(
  connection: DuckDBConnection,
  slices: readonly Slice[],
  bound: Bound,
  range: Range,
  whole: { readonly fromMs: number; readonly toMs: number },
): AsyncGenerator<{ fromMs: number; toMs: number }> {
  const width = Math.max(1, Math.ceil((whole.toMs - whole.fromMs + 1) / PIECES));
  const counts = new Map<number, number>();
  for (const slice of slices) {
    const rows = await connection.runAndReadAll(
      `SELECT ((f."endMs" - ${whole.fromMs}) // ${width})::INTEGER AS piece, count(*)::DOUBLE FROM ${slice.catalog}.facts f
       WHERE f."endMs" BETWEEN ${whole.fromMs} AND ${whole.toMs} AND ${overlap(range)} AND ${whereOf(bound, slice.catalog)} GROUP BY 1`,
    );
    for (const [piece, count] of rows.getRows() as [number, number][]) {
      counts.set(piece, (counts.get(piece) ?? 0) + count);
    }
  }
  let open = null as { fromMs: number; toMs: number; count: number } | null;
  for (const piece of [...counts.keys()].sort((a, b) => b - a)) {
    const count = counts.get(piece)!;
    const fromMs = whole.fromMs + piece * width;
    const toMs = Math.min(whole.toMs, fromMs + width - 1);
    if (open && open.count + count > SORTED_AT_ONCE) {
      yield open;
      open = null;
    }
    if (count > SORTED_AT_ONCE && width > 1) {
      yield* inPieces(connection, slices, bound, range, { fromMs, toMs });
    } else {
      open = { fromMs, toMs: open ? open.toMs : toMs, count: (open?.count ?? 0) + count };
    }
  }
  if (open) yield open;
}

/** Sorted rows of one slice, a chunk at a time. */
interface Run {
  readonly result: DuckDBResult;
  readonly rows: ReturnType<typeof createRowReader>;
  page: Flow[];
  at: number;
}

async function* sorted(
  view: View,
  slices: readonly Slice[],
  bound: Bound,
  range: Range,
  piece: Range,
  limit: number,
): AsyncGenerator<Flow[]> {
  const runs: Run[] = [];
  // A result that streams occupies its connection, so each run has its own.
  const connections: DuckDBConnection[] = [];
  try {
    for (const slice of slices) {
      const within = piece.fromMs === null ? 'true' : `f."endMs" BETWEEN ${piece.fromMs} AND ${piece.toMs}`;
      const own = await view.connect();
      connections.push(own);
      const result = await own.stream(
        `SELECT ${FACT_SELECT} FROM ${slice.catalog}.facts f WHERE ${within} AND ${overlap(range)} AND ${whereOf(bound, slice.catalog)}
         ORDER BY f."endMs" DESC, f.rowid DESC${Number.isFinite(limit) ? ` LIMIT ${limit}` : ''}`,
      );
      const run: Run = { result, rows: createRowReader(view.connection, slice), page: [], at: 0 };
      if (await refill(run)) runs.push(run);
    }
    let out: Flow[] = [];
    let left = limit;
    while (runs.length > 0 && left > 0) {
      const run = runs.reduce((best, other) =>
        other.page[other.at]!.endMs > best.page[best.at]!.endMs ? other : best,
      );
      out.push(run.page[run.at++]!);
      left--;
      if (run.at === run.page.length && !(await refill(run))) runs.splice(runs.indexOf(run), 1);
      if (out.length === PAGE_ROWS) {
        yield out;
        out = [];
      }
    }
    if (out.length > 0) yield out;
  } finally {
    for (const own of connections) own.closeSync();
  }
}

async function refill(run: Run): Promise<boolean> {
  const chunk: DuckDBDataChunk | null = await run.result.fetchChunk();
  if (!chunk || chunk.rowCount === 0) return false;
  run.page = await run.rows.flows(chunk);
  run.at = 0;
  return true;
}

/** How many flows fit. */
export async function countFlows(engine: Engine, request: Omit<SearchRequest, 'limit'>): Promise<number> {
  const bound = boundOf(request);
  const view = await engine.view();
  try {
    let count = 0;
    for (const { slice } of await touched(view, request)) {
      const rows = await view.connection.runAndReadAll(
        `SELECT count(*)::DOUBLE FROM ${slice.catalog}.facts f WHERE ${overlap(request)} AND ${whereOf(bound, slice.catalog)}`,
      );
      count += rows.getRows()[0]![0] as number;
    }
    return count;
  } finally {
    await view.release();
  }
}

/** How far the store reaches, beside the range that was asked for. */
export async function footer(engine: Engine, range: Range): Promise<SearchFooter> {
  const view = await engine.view();
  try {
    let oldestMs: number | null = null;
    let newestMs: number | null = null;
    for (const slice of view.slices) {
      const { startMs, endMs } = await spanOf(view.connection, slice);
      if (startMs !== null && (oldestMs === null || startMs < oldestMs)) oldestMs = startMs;
      if (endMs !== null && (newestMs === null || endMs > newestMs)) newestMs = endMs;
    }
    let sampledFlows = 0;
    for (const { slice } of await touched(view, range)) {
      const rows = await view.connection.runAndReadAll(
        `SELECT count(*)::DOUBLE FROM ${slice.catalog}.facts f WHERE f."samplingRate" > 1 AND ${overlap(range)}`,
      );
      sampledFlows += rows.getRows()[0]![0] as number;
    }
    const beginsBeforeStore = oldestMs !== null && range.fromMs !== null && range.fromMs < oldestMs;
    return { oldestMs, newestMs, beginsBeforeStore, sampledFlows, slices: view.slices.length };
  } finally {
    await view.release();
  }
}

export interface EventRequest<K extends RecordKind = RecordKind> extends Range {
  readonly kind: K;
  /** KQL subset over the kind. */
  readonly query: string;
  /** Only this id. */
  readonly id?: string | null;
  /** Every revision, or the latest of each id alone. */
  readonly revisions: 'all' | 'latest';
  readonly limit: number | null;
}

/** Records that are no flows, newest first; bounded by `limit`. */
export async function searchEvents<K extends RecordKind>(
  engine: Engine,
  request: EventRequest<K>,
): Promise<Uint8Array[]> {
  const fits = compileQuery(request.kind, request.query);
  const limit = request.limit ?? Infinity;
  const view = await engine.view();
  try {
    const seen = new Set<string>();
    const found: { record: RecordTypes[K]; toMs: number }[] = [];
    // Newest slice first: the latest revision of an id is met before those it replaces.
    for (const slice of [...view.slices].reverse()) {
      const decode = eventDecoder(slice, request.kind);
      const parts = [`kind = '${request.kind}'`];
      if (request.fromMs !== null) parts.push(`toMs >= ${request.fromMs}`);
      if (request.toMs !== null) parts.push(`fromMs <= ${request.toMs}`);
      if (request.id !== undefined && request.id !== null)
        parts.push(`id = '${request.id.replaceAll("'", "''")}'`);
      const result = await view.connection.stream(
        `SELECT id, revision, toMs::DOUBLE, body FROM ${slice.catalog}.events WHERE ${parts.join(' AND ')}
         ORDER BY revision DESC, rowid DESC`,
      );
      for await (const chunk of result) {
        for (const [id, revision, toMs, body] of chunk.getRows() as [
          string,
          number,
          number,
          { bytes: Uint8Array },
        ][]) {
          const key = request.revisions === 'latest' ? id : `${id} ${revision}`;
          if (seen.has(key)) continue;
          seen.add(key);
          const record = decode(Buffer.from(body.bytes));
          if (fits(record)) found.push({ record, toMs });
        }
      }
    }
    found.sort((a, b) => b.toMs - a.toMs);
    const codec = codecOf(request.kind);
    return found.slice(0, limit).map(({ record }) => codec.encode(record));
  } finally {
    await view.release();
  }
}
