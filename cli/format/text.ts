import { stripVTControlCharacters } from 'node:util';

// oxlint-disable-next-line no-control-regex
const hidden = /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text from a log line made safe for a terminal: control characters, bidirectional overrides and line separators
 * become visible escapes, so that no record can move the cursor or hide a part of itself.
 */
export function safeText(text: string): string {
  return text.replace(hidden, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Wide in a terminal: East Asian wide and fullwidth forms, and emoji (the blocks of UAX #11 in common use). */
const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})/u;

/** Printable ASCII: one column each, which most texts are. */
const isAscii = (text: string): boolean => /^[ -~]*$/.test(text);

/** Columns a text takes in a terminal, colour codes not counted. */
export function widthOf(text: string): number {
  const plain = text.includes('\u001b') ? stripVTControlCharacters(text) : text;
  if (isAscii(plain)) return plain.length;
  let width = 0;
  for (const { segment } of segments.segment(plain)) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** The text cut to `width` columns with an ellipsis; plain text only. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 1) return width === 1 ? '…' : '';
  if (isAscii(text)) return `${text.slice(0, width - 1)}…`;
  let result = '';
  let used = 0;
  for (const { segment } of segments.segment(text)) {
    const next = widthOf(segment);
    if (used + next > width - 1) break;
    result += segment;
    used += next;
  }
  return `${result}…`;
}

/** The text in lines of at most `width` columns, broken between words; whole where `width` is null. */
export function wrap(text: string, width: number | null): string[] {
  if (width === null || widthOf(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || widthOf(longer) <= width) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

/** Filled with spaces to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}
