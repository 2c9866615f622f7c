/** Parts of a Markdown page that more than one generator needs. */

export const generatedBy = (source: string): string =>
  `<!-- Generated from ${source} by \`npm run generate\`. Do not edit. -->\n`;

/** Text inside a table cell. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');

export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(titles), `|${titles.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
