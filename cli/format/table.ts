import type { Colours, Style } from './colours.ts';
import { cut, pad, safeText, widthOf } from './text.ts';

export interface Column<T> {
  readonly title: string;
  /** Text of a cell; absent values are shown as `-`. */
  readonly text: (row: T) => string | null;
  /** Shorter text, for terminals that are too narrow for all of it. */
  readonly brief?: (row: T) => string | null;
  readonly align?: 'left' | 'right';
  readonly style?: (row: T, colours: Colours) => Style;
  /** Narrowest useful width; a column with `shrink: false` is never cut. */
  readonly min?: number;
  readonly shrink?: false;
  /** Left out where the terminal is too narrow for all; the greatest goes first. Absent: never. */
  readonly dispensable?: number;
}

export interface TableOptions {
  /** Columns of the terminal; null when the output is no terminal: nothing is cut then. */
  readonly width: number | null;
  readonly colours: Colours;
  /** For parts of one table that is printed as it comes: widths of the first part. */
  readonly widths?: readonly number[];
  readonly header?: boolean;
}

const gap = '  ';

/**
 * The columns there is room for: where not all of them fit whole, those that have a shorter form take it, and then
 * the dispensable ones go. Rows that come later are taken to be alike.
 */
export function columnsFor<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width: number | null,
): readonly Column<T>[] {
  if (width === null || total(fit(columns, rows, null)) <= width) return columns;
  const brief = columns.map((column) => (column.brief ? { ...column, text: column.brief } : column));
  const kept = brief.map((column) => {
    const [whole] = fit([column], rows, null);
    return { column, least: column.shrink === false ? whole! : Math.min(whole!, column.min ?? 4) };
  });
  while (total(kept.map(({ least }) => least)) > width) {
    const ranks = kept.map(({ column }) => column.dispensable ?? -1);
    const greatest = Math.max(...ranks);
    if (greatest < 0) break;
    kept.splice(ranks.indexOf(greatest), 1);
  }
  return kept.map(({ column }) => column);
}

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1);

/** Widths that fit: the widest shrinkable columns give way first, none below its minimum. */
export function fit<T>(columns: readonly Column<T>[], rows: readonly T[], width: number | null): number[] {
  const widths = columns.map((column) => {
    let widest = widthOf(column.title);
    for (const row of rows) widest = Math.max(widest, widthOf(cellText(column, row)));
    return widest;
  });
  if (width === null) return widths;
  let over = total(widths) - width;
  while (over > 0) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const least = column.shrink === false ? Number.POSITIVE_INFINITY : Math.max(column.min ?? 4, 1);
      if (widths[index]! > least && (widest === -1 || widths[index]! > widths[widest]!)) widest = index;
    }
    if (widest === -1) break;
    widths[widest]!--;
    over--;
  }
  return widths;
}

const cellText = <T>(column: Column<T>, row: T): string => safeText(column.text(row) ?? '-');

/**
 * Lines of a table without borders, so that it can be cut, sorted and searched with the usual tools. With `widths`
 * the columns are those that `columnsFor` gave.
 */
export function tableLines<T>(
  all: readonly Column<T>[],
  rows: readonly T[],
  options: TableOptions,
): string[] {
  const { colours, header = true } = options;
  const columns = options.widths ? all : columnsFor(all, rows, options.width);
  const widths = options.widths ?? fit(columns, rows, options.width);
  const line = (cells: readonly string[]): string => cells.join(gap).trimEnd();
  const cell = (text: string, index: number): string =>
    pad(options.width === null ? text : cut(text, widths[index]!), widths[index]!, columns[index]!.align);
  const lines = rows.map((row) =>
    line(
      columns.map((column, index) => {
        const text = cell(cellText(column, row), index);
        return column.style ? column.style(row, colours)(text) : text;
      }),
    ),
  );
  if (header) lines.unshift(colours.bold(line(columns.map((column, index) => cell(column.title, index)))));
  return lines;
}
