import { operators, type Operator, type Value } from './ast.ts';
import { QueryError } from './errors.ts';

export type Keyword = 'and' | 'or' | 'not';
/** What the parser sees next. A word is a keyword only where it is written bare. */
export type Token =
  | { readonly type: '(' | ')' | ':' | 'end'; readonly at: number; readonly text: string }
  | { readonly type: 'operator'; readonly at: number; readonly text: Operator }
  | {
      readonly type: 'word';
      readonly at: number;
      readonly text: string;
      readonly keyword: Keyword | null;
      readonly quoted: boolean;
      readonly parts: readonly string[];
    };

const KEYWORD = /^(?:and|or|not)$/i;
const isSpace = (char: string): boolean => /\s/.test(char);

/**
 * Reads one token at `from`. In the place of a value a colon belongs to the word, so that addresses and times
 * need no quotes; in the place of a field it ends the word.
 */
export function readToken(
  query: string,
  from: number,
  place: 'field' | 'value',
): { token: Token; next: number } {
  let at = from;
  while (at < query.length && isSpace(query[at]!)) at++;
  if (at >= query.length) return { token: { type: 'end', at, text: '' }, next: at };
  const char = query[at]!;
  if (char === '(' || char === ')') return { token: { type: char, at, text: char }, next: at + 1 };
  if (char === ':' && place === 'field') return { token: { type: char, at, text: char }, next: at + 1 };
  for (const text of operators) {
    if (query.startsWith(text, at)) return { token: { type: 'operator', at, text }, next: at + text.length };
  }
  return char === '"' ? readQuoted(query, at) : readBare(query, at, place);
}

function readQuoted(query: string, at: number): { token: Token; next: number } {
  let text = '';
  for (let i = at + 1; i < query.length; i++) {
    const char = query[i]!;
    if (char === '"') {
      return { token: { type: 'word', at, text, keyword: null, quoted: true, parts: [text] }, next: i + 1 };
    }
    if (char === '\\' && i + 1 < query.length) text += query[++i]!;
    else text += char;
  }
  throw new QueryError(query, at, 'this quoted text has no end; expected a closing "');
}

function readBare(query: string, at: number, place: 'field' | 'value'): { token: Token; next: number } {
  const parts = [''];
  let i = at;
  let escaped = false;
  for (; i < query.length; i++) {
    const char = query[i]!;
    if (char === '\\' && i + 1 < query.length) {
      escaped = true;
      parts[parts.length - 1] += query[++i]!;
    } else if (char === '*') {
      parts.push('');
    } else if (isSpace(char) || '()"<>'.includes(char) || (char === ':' && place === 'field')) {
      break;
    } else {
      parts[parts.length - 1] += char;
    }
  }
  const text = parts.join('*');
  if (query[at] === "'") throw new QueryError(query, at, `found ${text}; text is quoted with ", not '`);
  const keyword = !escaped && KEYWORD.test(text) ? (text.toLowerCase() as Keyword) : null;
  return { token: { type: 'word', at, text, keyword, quoted: false, parts }, next: i };
}

/** How a message names what was found. */
export function described(token: Token): string {
  if (token.type === 'end') return 'the end of the query';
  if (token.type === 'word' && token.quoted) return `"${token.text}"`;
  return `'${token.text}'`;
}

/** A value as it has to be written to be read back the same. */
export function printValue(value: Pick<Value, 'parts'>): string {
  const { parts } = value;
  const [only = ''] = parts;
  if (parts.length === 1 && (only === '' || KEYWORD.test(only) || /[\s()"<>\\*:']/.test(only))) {
    return `"${only.replaceAll(/["\\]/g, '\\$&')}"`;
  }
  return parts.map((part) => part.replaceAll(/[\s()"<>\\*']/g, '\\$&')).join('*');
}

/** A field name as it has to be written to be read back the same. */
export function printField(field: string): string {
  if (field === '' || KEYWORD.test(field) || /[\s()"<>\\*:']/.test(field)) {
    return `"${field.replaceAll(/["\\]/g, '\\$&')}"`;
  }
  return field;
}
