import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { caret, QueryError } from '../../query/errors.ts';
import { compileQuery } from '../../query/evaluate.ts';
import { parse } from '../../query/parse.ts';
import { print } from '../../query/print.ts';
import { flowQueries, withoutPositions } from './arbitraries.ts';

const printed = (query: string): string => print(parse(query));

test('reads matches, lists, comparisons and groups', () => {
  assert.equal(printed('  a:b  '), 'a : b');
  assert.equal(printed('a : (b or "c d" or e*)'), 'a : (b or "c d" or e*)');
  assert.equal(printed('a : b or c : d and not e : f'), 'a : b or (c : d and not e : f)');
  assert.equal(
    printed('(a : b OR c : d) AND NOT (e : f or g : h)'),
    '(a : b or c : d) and not (e : f or g : h)',
  );
  assert.equal(printed('a>=5 and b<2026-01-01T00:00:00Z'), 'a >= 5 and b < "2026-01-01T00:00:00Z"');
  assert.equal(printed('source.ip : 2001:db8::/32'), 'source.ip : "2001:db8::/32"');
  assert.equal(printed('a : (b and not c)'), 'a : b and not a : c');
  assert.equal(printed('a : "and"'), 'a : "and"');
  assert.equal(printed(String.raw`a : x\*y`), 'a : "x*y"');
  assert.equal(printed(''), '');
});

test('an error names the column and what was expected there', () => {
  const cases: [string, number, RegExp][] = [
    ['a', 2, /expected ':', '<', '<=', '>' or '>=' after 'a', found the end of the query/],
    ['a :', 4, /expected a value.*found the end/],
    ['a : b c : d', 7, /expected 'and', 'or' or the end of the query.*found 'c'/],
    ['(a : b', 7, /expected 'and', 'or' or '\)', found the end/],
    ['a : (b or', 10, /expected a value/],
    ['a : (b c)', 8, /in the list of values, found 'c'/],
    ['a : "b', 5, /no end/],
    ['and b : c', 1, /expected a field name, 'not' or '\(', found 'and'/],
    ["a : 'b'", 5, /quoted with "/],
    ['a > ', 5, /expected a value after '>'/],
    [`${'('.repeat(300)}a : b`, 201, /nested more than 200 deep/],
  ];
  for (const [query, column, message] of cases) {
    assert.throws(
      () => parse(query),
      (error) => {
        assert.ok(error instanceof QueryError, query);
        assert.equal(error.code, 'query_invalid');
        assert.equal(error.at + 1, column, query);
        assert.match(error.message, message);
        assert.match(error.message, new RegExp(`^query, column ${column}: `));
        return true;
      },
    );
  }
});

test('the caret stands under the column, in long queries too', () => {
  const short = new QueryError('a : b c', 6, 'x');
  assert.equal(caret(short), 'a : b c\n      ^');
  const long = new QueryError(`${'x'.repeat(300)}!${'y'.repeat(300)}`, 300, 'x');
  const [text, mark] = caret(long).split('\n');
  assert.equal(text![mark!.indexOf('^')], '!');
});

test('parse of print gives the same tree', () => {
  fc.assert(
    fc.property(flowQueries, (node) => {
      assert.deepEqual(withoutPositions(parse(print(node))), withoutPositions(node));
    }),
    { numRuns: 500 },
  );
});

test('any text is a query or a QueryError, and what parses prints and parses again', () => {
  const word = fc.constantFrom(
    'a',
    'and',
    'or',
    'not',
    ':',
    '(',
    ')',
    '"',
    '*',
    '\\',
    '<=',
    ' ',
    "'",
    'verdict',
    'deny',
    '10.0.0.0/8',
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(word, { maxLength: 12 }).map((words) => words.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const node = parse(text);
        assert.deepEqual(withoutPositions(parse(print(node))), withoutPositions(node));
        compileQuery('flow', text);
      } catch (error) {
        assert.ok(error instanceof QueryError, String(error));
        assert.ok(error.at >= 0 && error.at <= text.length);
        caret(error);
      }
    }),
    { numRuns: 2000 },
  );
});
