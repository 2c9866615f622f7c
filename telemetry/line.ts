const colours: Record<string, string> = { debug: '90', info: '36', warn: '33', error: '31' };

/**
 * One line a person reads: time of day, level, message, fields as `name=value`. Control characters of values are
 * shown, never sent to the terminal: they may come from what was observed.
 */
export function textLine(entry: Readonly<Record<string, unknown>>, colour: boolean): string {
  const { time, level, msg, ...fields } = entry;
  const paint = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const word = String(level);
  const clock = String(time).slice(11, 19);
  let line = `${paint('90', clock)} ${paint(colours[word] ?? '0', word.padEnd(5))} ${printable(typeof msg === 'string' ? msg : '')}`;
  for (const [name, value] of Object.entries(fields)) {
    line += ` ${paint('90', `${printable(name)}=`)}${valueText(value)}`;
  }
  return line;
}

function valueText(value: unknown): string {
  if (typeof value === 'string')
    return /^[\w./:@+-]+$/.test(value) ? value : printable(JSON.stringify(value));
  if (typeof value === 'object' && value !== null && 'message' in value && 'type' in value) {
    const { type, code, message } = value as { type: string; code?: string | number; message: string };
    return printable(JSON.stringify(`${type}${code === undefined ? '' : ` ${code}`}: ${message}`));
  }
  return printable(JSON.stringify(value) ?? 'undefined');
}

/** Control characters, line separators and marks that turn the direction of text, as escapes. */
const printable = (text: string): string =>
  text.replace(
    /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
