/** What the `#` lines at the beginning of a Zeek log say of the rows below them. */
export interface Header {
  readonly separator: string;
  readonly unset: string;
  readonly empty: string;
  readonly fields: readonly string[];
}

export const noHeader: Header = { separator: '\t', unset: '-', empty: '(empty)', fields: [] };

const unescape = (text: string): string =>
  text.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Columns of a conn.log are some 20 to 40; a line with more is none. */
const MAX_FIELDS = 512;

/** The header after one more `#` line; `#close`, `#open` and what is not known change nothing. */
export function readHeader(header: Header, line: string): Header {
  if (line.startsWith('#separator '))
    return { ...noHeader, separator: unescape(line.slice(11).trim()) || '\t' };
  const { separator } = header;
  const end = line.indexOf(separator);
  if (end < 0) return header;
  const value = line.slice(end + separator.length);
  switch (line.slice(0, end)) {
    case '#unset_field':
      return { ...header, unset: value };
    case '#empty_field':
      return { ...header, empty: value };
    case '#fields':
      return { ...header, fields: value.split(separator, MAX_FIELDS) };
    default:
      return header;
  }
}
