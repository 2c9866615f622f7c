import type { DecodeOutput, Line, LineDecoder, OriginContext, SourceType } from '../../pipeline/contracts.ts';
import { forwardedOf } from '../decode/forwarder.ts';
import { idsByObserver } from '../decode/ids.ts';
import { malformed } from '../decode/reject.ts';
import { columns, decodeRow, type Cell } from './decode.ts';
import { noHeader, readHeader, type Header } from './header.ts';
import type { Options } from './options.ts';

const HASH = 35;
const BRACE = 123;

/** Which cell each column of a row goes to; -1 for those that are not read. */
const slotsOf = (fields: readonly string[]): number[] =>
  fields.map((field) => (columns as readonly string[]).indexOf(field));

function decoder(options: Options, context: OriginContext): LineDecoder {
  const { origin, place } = context;
  const id = idsByObserver('zeek_conn', origin);
  const payloadBytes = options.bytes === 'payload';
  let header = (context.state as Header | undefined) ?? noHeader;
  let slots = slotsOf(header.fields);
  // One array for all rows: a row is turned into a flow before the next is read.
  const cells: Cell[] = Array.from<Cell>({ length: columns.length });

  /** False when the row has too few or too many columns. Split by hand, because most columns are not wanted. */
  function fill(row: string): boolean {
    const { separator, unset, empty } = header;
    cells.fill(undefined);
    const width = separator.length;
    let at = 0;
    let column = 0;
    for (;;) {
      const next = row.indexOf(separator, at);
      const slot = slots[column];
      if (slot === undefined) return false;
      if (slot >= 0) {
        const text = next < 0 ? row.slice(at) : row.slice(at, next);
        if (text !== unset && text !== empty && text !== '') cells[slot] = text;
      }
      column++;
      if (next < 0) return column === slots.length;
      at = next + width;
    }
  }

  function emit(line: Line, out: DecodeOutput): void {
    const flow = decodeRow(cells, {
      position: line.position,
      origin,
      cluster: line.cluster ?? context.cluster,
      node: line.node ?? context.node,
      receivedMs: context.receivedMs(),
      payloadBytes,
      id,
    });
    if (typeof flow === 'string') out.reject(malformed(place, line, flow));
    else out.flow(flow);
  }

  function json(line: Line, out: DecodeOutput): void {
    let raw: unknown;
    try {
      raw = JSON.parse(line.text);
    } catch {
      raw = null;
    }
    if (typeof raw !== 'object' || raw === null)
      return out.reject(malformed(place, line, 'a JSON object of conn.log'));
    if (!('id.orig_h' in raw) && !('ts' in raw)) {
      const inner = forwardedOf(raw);
      if (inner !== null && inner.text.charCodeAt(0) !== BRACE)
        return row({ ...line, ...wrapped(line, inner) }, out);
      if (inner !== null && !inner.text.includes('"message"'))
        return json({ ...line, ...wrapped(line, inner) }, out);
    }
    const path = (raw as { _path?: unknown })._path;
    if (path !== undefined && path !== 'conn') return out.skip?.('other_log');
    for (let i = 0; i < columns.length; i++) {
      const value = (raw as Record<string, unknown>)[columns[i]!];
      cells[i] = typeof value === 'number' || (typeof value === 'string' && value !== '') ? value : undefined;
    }
    emit(line, out);
  }

  function row(line: Line, out: DecodeOutput): void {
    const { text } = line;
    if (text.charCodeAt(0) === HASH) {
      header = readHeader(header, text);
      if (text.startsWith('#fields')) slots = slotsOf(header.fields);
      return out.skip?.('header');
    }
    if (slots.length === 0) return out.reject(malformed(place, line, 'a #fields line above the first row'));
    if (!fill(text)) return out.reject(malformed(place, line, `${slots.length} columns as in #fields`));
    emit(line, out);
  }

  return {
    decode(line, out) {
      if (line.text.charCodeAt(0) === BRACE) json(line, out);
      else row(line, out);
    },
    checkpoint: () => ({ state: header }),
  };
}

const wrapped = (line: Line, inner: Omit<Line, 'position'>): Omit<Line, 'position'> => ({
  text: inner.text,
  timeMs: inner.timeMs ?? line.timeMs,
  node: inner.node ?? line.node,
  cluster: inner.cluster ?? line.cluster,
});

/** Zeek's conn.log, as tab-separated text with its header or as JSON. README.md says why the disorder is what it is. */
export const source: SourceType<Options> = { disorderMs: 330_000, deliveryMs: 330_000, decoder };
