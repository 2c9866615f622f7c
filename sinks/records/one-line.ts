/** What somebody else said, as it is shown to people: one line, without control characters, no longer than that. */
export function inOneLine(text: string, maxLength: number): string {
  // Cut first: what is a megabyte long is not looked through to its end.
  const short = text.slice(0, 4 * maxLength);
  // oxlint-disable-next-line no-control-regex
  const line = short.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim();
  return line.slice(0, maxLength);
}
