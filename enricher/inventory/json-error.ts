const TOKEN =
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * Where text stops being JSON (RFC 8259): the offset of the first token that cannot stand there, or the end of the
 * text when more was expected. JSON.parse tells it for some mistakes only.
 */
export function jsonErrorOffset(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' = 'value';
  let at = 0;
  for (;;) {
    SPACE.lastIndex = at;
    SPACE.test(text);
    const start = SPACE.lastIndex;
    TOKEN.lastIndex = start;
    const token = TOKEN.exec(text);
    if (token === null) return start;
    at = TOKEN.lastIndex;
    const mark = token[1];
    const isString = token[2] !== undefined;
    if (expected === 'value' || expected === 'value or ]') {
      if (mark === '{' || mark === '[') {
        open.push(mark);
        expected = mark === '{' ? 'key or }' : 'value or ]';
      } else if (mark === ']' && expected === 'value or ]') {
        open.pop();
        expected = ', or end';
      } else if (mark === undefined) expected = ', or end';
      else return start;
    } else if (expected === 'key' || expected === 'key or }') {
      if (isString) expected = ':';
      else if (mark === '}' && expected === 'key or }') {
        open.pop();
        expected = ', or end';
      } else return start;
    } else if (expected === ':') {
      if (mark !== ':') return start;
      expected = 'value';
    } else {
      const inside = open.at(-1);
      if (inside === undefined) return start;
      if (mark === ',') expected = inside === '{' ? 'key' : 'value';
      else if (mark === (inside === '{' ? '}' : ']')) open.pop();
      else return start;
    }
  }
}
