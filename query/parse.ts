import type { Compare, Match, Node, Value } from './ast.ts';
import { QueryError } from './errors.ts';
import { described, readToken, type Token } from './lex.ts';

const MAX_CHARACTERS = 65_536;
const MAX_DEPTH = 200;

/**
 * Reads a query of the KQL subset described in query/README.md. Names are not looked up here.
 * Throws QueryError (`query_invalid`) with the column and what was expected there, and nothing else, whatever
 * the text.
 */
export function parse(query: string): Node {
  if (query.length > MAX_CHARACTERS) {
    throw new QueryError(query, MAX_CHARACTERS, `the query is longer than ${MAX_CHARACTERS} characters`);
  }
  let position = 0;
  let depth = 0;

  const peek = (place: 'field' | 'value' = 'field'): Token => readToken(query, position, place).token;
  const take = (place: 'field' | 'value' = 'field'): Token => {
    const { token, next } = readToken(query, position, place);
    position = next;
    return token;
  };
  const fail = (token: Token, expected: string): never => {
    throw new QueryError(query, token.at, `expected ${expected}, found ${described(token)}`);
  };
  const isKeyword = (token: Token, word: string): boolean => token.type === 'word' && token.keyword === word;

  function nested<T>(at: number, read: () => T): T {
    if (++depth > MAX_DEPTH) throw new QueryError(query, at, `nested more than ${MAX_DEPTH} deep`);
    const result = read();
    depth--;
    return result;
  }

  /** `item (word item)*`, flattened. */
  function chain(type: 'and' | 'or', place: 'field' | 'value', item: () => Node): Node {
    const first = item();
    if (!isKeyword(peek(place), type)) return first;
    const items = flat(type, first);
    while (isKeyword(peek(place), type)) {
      take(place);
      items.push(...flat(type, item()));
    }
    return { type, items };
  }

  const expression = (): Node => chain('or', 'field', () => chain('and', 'field', negation));

  function negation(): Node {
    const token = peek();
    if (!isKeyword(token, 'not')) return primary();
    take();
    return { type: 'not', item: nested(token.at, negation) };
  }

  function primary(): Node {
    const token = take();
    if (token.type === '(') {
      const inner = nested(token.at, expression);
      const close = take();
      return close.type === ')' ? inner : fail(close, `'and', 'or' or ')'`);
    }
    if (token.type !== 'word' || token.keyword) return fail(token, `a field name, 'not' or '('`);
    return condition(token);
  }

  function condition(name: Token & { type: 'word' }): Node {
    const field = name.text;
    const token = take();
    if (token.type === 'operator') {
      const value = take('value');
      if (value.type !== 'word' || value.keyword) return fail(value, `a value after '${token.text}'`);
      const made: Compare = {
        type: 'compare',
        field,
        at: name.at,
        operator: token.text,
        value: { parts: value.parts, at: value.at },
      };
      return made;
    }
    if (token.type !== ':') return fail(token, `':', '<', '<=', '>' or '>=' after '${field}'`);
    const value = peek('value');
    if (value.type === '(') {
      take('value');
      const list = nested(value.at, () => listOf(field, name.at));
      const close = take('value');
      return close.type === ')' ? list : fail(close, `'or', 'and' or ')' in the list of values`);
    }
    return single(field, name.at);
  }

  function single(field: string, at: number): Match {
    const value = take('value');
    if (value.type !== 'word' || value.keyword) {
      return fail(value, `a value, "quoted text", '*' or '(' after '${field} :'`);
    }
    return { type: 'match', field, at, values: [{ parts: value.parts, at: value.at }] };
  }

  /** The inside of `field : ( … )`. */
  function listOf(field: string, at: number): Node {
    const item = (): Node => {
      const token = peek('value');
      if (isKeyword(token, 'not')) {
        take('value');
        return { type: 'not', item: nested(token.at, item) };
      }
      if (token.type === '(') {
        take('value');
        const inner = nested(token.at, () => listOf(field, at));
        const close = take('value');
        return close.type === ')' ? inner : fail(close, `')' in the list of values`);
      }
      return single(field, at);
    };
    return merged(chain('or', 'value', () => chain('and', 'value', item)));
  }

  if (peek().type === 'end') return { type: 'all' };
  const node = expression();
  const rest = take();
  if (rest.type !== 'end') {
    return fail(rest, `'and', 'or' or the end of the query (a value with spaces is written in "quotes")`);
  }
  return node;
}

const flat = (type: 'and' | 'or', node: Node): Node[] => (node.type === type ? [...node.items] : [node]);

/** A list of plain values of one field is one match. */
function merged(node: Node): Node {
  if (node.type !== 'or') return node;
  const values: Value[] = [];
  for (const item of node.items) {
    if (item.type !== 'match') return node;
    values.push(...item.values);
  }
  const [first] = node.items as readonly Match[];
  return { type: 'match', field: first!.field, at: first!.at, values };
}
