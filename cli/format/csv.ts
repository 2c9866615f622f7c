/**
 * One record of a CSV file (RFC 4180), with its CRLF. A text that a spreadsheet would run as a formula, because it
 * begins with `=`, `+`, `-`, `@`, a tab or a line end, blanks before it aside, is given a leading apostrophe (OWASP, CSV
 * injection). So is what follows a `;`, a tab or a line end inside a text: where these separate cells, as in much of Europe, a
 * spreadsheet begins a cell there and does not heed our quotes. Numbers are left as they are.
 */
export function csvLine(cells: readonly (string | number | bigint | boolean | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

const SIGN = '[=+\\-@\\uff1d\\uff0b\\uff0d\\uff20]';
const BLANK = '[\\s\\u200b\\u2060\\ufeff"]*';
const AT_START = new RegExp(`^(?:[\\t\\r\\n]|${BLANK}${SIGN})`);
const INSIDE = new RegExp(`([;\\t\\r\\n]${BLANK})(?=${SIGN})`, 'g');

function csvCell(value: string | number | bigint | boolean | null): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = (AT_START.test(value) ? `'${value}` : value).replace(INSIDE, "$1'");
  return /[",\r\n;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
