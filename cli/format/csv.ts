/**
 * One record of a CSV file (RFC 4180), with its CRLF. A text that a spreadsheet would run as a formula, because it
 * begins with `=`, `+`, `-`, `@`, a tab or a line end, is given a leading apostrophe (OWASP, CSV injection);
 * numbers are left as they are.
 */
export function csvLine(cells: readonly (string | number | bigint | boolean | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(value: string | number | bigint | boolean | null): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
