/** Makes any string safe for one place of a syslog header; payloads see to themselves. */
import { cut, visibleControls } from '../formats/text.ts';

const notPrintable = /[^\x21-\x7e]/;
const allNotPrintable = /[^\x21-\x7e]/g;

/** A header field of RFC 5424: printable ASCII without spaces; `-` where there is none. */
export function headerField(text: string | null, maxLength: number): string {
  if (text === null || text === '') return '-';
  // Cut first: what is a megabyte long is not looked through to its end.
  const short = text.length > maxLength ? text.slice(0, maxLength) : text;
  return notPrintable.test(short) ? short.replace(allNotPrintable, '_') : short;
}

/** PARAM-VALUE of RFC 5424 section 6.3.3: `"`, `\` and `]` are escaped; control characters become visible text. */
export function paramValue(text: string, maxLength = 255): string {
  const clean = visibleControls(text.length > maxLength ? cut(text, maxLength) : text);
  return /["\\\]]/.test(clean) ? clean.replace(/["\\\]]/g, '\\$&') : clean;
}
