/**
 * Nothing that comes from a record may end a message, a field or a structure of it. Each function here makes
 * any string safe for one place. Lone surrogates need no care: UTF-8 encoding turns them into U+FFFD.
 */

const notPrintable = /[^\x21-\x7e]/;
const allNotPrintable = /[^\x21-\x7e]/g;
const control = /[\p{Cc}\u2028\u2029]/u;
const controls = /[\p{Cc}\u2028\u2029]/gu;

const visible = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A header field of RFC 5424: printable ASCII without spaces; `-` where there is none. */
export function headerField(text: string | null, maxLength: number): string {
  if (text === null || text === '') return '-';
  const clean = notPrintable.test(text) ? text.replace(allNotPrintable, '_') : text;
  return clean.length > maxLength ? clean.slice(0, maxLength) : clean;
}

/** Control characters as the visible text `\u000a`. */
export const visibleControls = (text: string): string =>
  control.test(text) ? text.replace(controls, visible) : text;

/** PARAM-VALUE of RFC 5424 section 6.3.3: `"`, `\` and `]` are escaped; control characters become visible text. */
export function paramValue(text: string, maxLength = 255): string {
  const clean = visibleControls(text.length > maxLength ? cut(text, maxLength) : text);
  return /["\\\]]/.test(clean) ? clean.replace(/["\\\]]/g, '\\$&') : clean;
}

/**
 * JSON text on one line: what JSON leaves as it is although a receiver may split or rewrite there is escaped. Text
 * that is all ASCII, as nearly all is, holds at most one of these.
 */
export function jsonLine(json: string): string {
  const isAscii = Buffer.byteLength(json) === json.length;
  if (isAscii && !json.includes('\u007f')) return json;
  return json.replace(/[\u007f-\u009f\u2028\u2029]/g, visible);
}

/** A CEF header field: `\` and `|` are escaped; line breaks become spaces, other control characters visible text. */
export const cefHeader = (text: string, maxLength: number): string =>
  visibleControls(cut(text, maxLength).replace(/\r\n|[\r\n]/g, ' ')).replace(/[\\|]/g, '\\$&');

/**
 * A CEF extension value: `\` and `=` are escaped, line feed and carriage return are the two-character `\n` and
 * `\r`; other control characters, for which CEF has no escape, become visible text.
 */
export function cefValue(text: string, maxLength: number): string {
  const short = text.length > maxLength ? cut(text, maxLength) : text;
  if (!cefSpecial.test(short)) return short;
  return short.replace(cefSpecials, (char) => {
    if (char === '\\' || char === '=') return `\\${char}`;
    if (char === '\n') return '\\n';
    if (char === '\r') return '\\r';
    return `\\${visible(char)}`;
  });
}
const cefSpecial = /[\\=\p{Cc}\u2028\u2029]/u;
const cefSpecials = /[\\=\p{Cc}\u2028\u2029]/gu;

/** At most `maxLength` UTF-16 units, never half a character, ending in `…` where something is missing. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const end = Math.max(0, maxLength - 1);
  const last = text.charCodeAt(end - 1);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end)}…`;
}
