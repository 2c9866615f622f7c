import type { Colours, Style } from './colours.ts';
import { cut, pad, safeText, widthOf } from './text.ts';

export interface Column<T> {
  readonly title: string;
  /** Text of a cell; absent values are shown as `-`. */
  readonly text: (row: T) => string | null;
  readonly align?: 'left' | 'right';
  readonly style?: (row: T, colours: Colours) => Style;
  /** Narrowest useful width; a column with `shrink: false` is never cut. */
  readonly min?: number;
  readonly shrink?: false;
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

/** Widths that fit: the widest shrinkable columns give way first, none below its minimum. */
export function fit<T>(columns: readonly Column<T>[], rows: readonly T[], width: number | null): number[] {
  const widths = columns.map((column) => {
    let widest = widthOf(column.title);
    for (const row of rows) widest = Math.max(widest, widthOf(cellText(column, row)));
    return widest;
  });
  if (width === null) return widths;
  let over = widths.reduce((sum, each) => sum + each, 0) + gap.length * (columns.length - 1) - width;
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

/** Lines of a table without borders, so that it can be cut, sorted and searched with the usual tools. */
export function tableLines<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  options: TableOptions,
): string[] {
  const { colours, header = true } = options;
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
