/**
 * Nothing that comes from a record may end a line or be taken for a control character by whoever reads it. Lone
 * surrogates need no care: UTF-8 encoding turns them into U+FFFD.
 */

// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** A character as the visible text `\u000a`. */
export const visible = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Control characters as visible text. */
export const visibleControls = (text: string): string =>
  control.test(text) ? text.replace(controls, visible) : text;

/**
 * JSON text on one line: what JSON leaves as it is although a receiver may split or rewrite there is escaped. Text
 * that is all ASCII, as nearly all is, holds at most one of these.
 */
export function jsonLine(json: string): string {
  const isAscii = Buffer.byteLength(json) === json.length;
  if (isAscii && !json.includes('\u007f')) return json;
  return json.replace(/[\u007f-\u009f\u2028\u2029]/g, visible);
}

/** At most `maxLength` UTF-16 units, never half a character, ending in `…` where something is missing. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const end = Math.max(0, maxLength - 1);
  const last = text.charCodeAt(end - 1);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end)}…`;
}

/** An id where nothing may need an escape: ids are made of letters, digits, `-` and `_`; others are made to be. */
export const plainId = (id: string): string => id.slice(0, 40).replace(/[^A-Za-z0-9_.:/-]/g, '_');
