import { Directions, Reporters, Units, Verdicts } from '../schema/records.ts';
import type { Bound, Leaf, Test } from '../query/bind.ts';
import type { Field } from '../query/fields.ts';
import { dimensions, factColumns, ID_ALPHABET, ID_PREFIX, type DimensionName } from './layout.ts';

/** Symbols in the order of the schema: a fact holds the index. */
export const SYMBOLS: Readonly<Record<'reporter' | 'unit' | 'verdict' | 'direction', readonly string[]>> = {
  reporter: Reporters,
  unit: Units,
  verdict: Verdicts,
  direction: Directions,
};

/** Columns in which -1 stands for absent. */
const NULLABLE = new Set<string>([
  'protocol',
  'icmpType',
  'icmpCode',
  'tcpFlags',
  'sourcePort',
  'destinationPort',
  'sourceBytes',
  'destinationBytes',
  'sourcePackets',
  'destinationPackets',
  'connectionsStarted',
  'connectionsCompleted',
  'connectionsLive',
]);

/**
 * A condition over `facts f` of one catalog that is never NULL, so that a negation is true where a field is
 * absent. What a dimension knows becomes a look-up of its ids first.
 */
export function whereOf(bound: Bound, catalog: string): string {
  switch (bound.type) {
    case 'all':
      return 'true';
    case 'not':
      return `(NOT ${whereOf(bound.item, catalog)})`;
    case 'and':
    case 'or': {
      const word = bound.type === 'and' ? ' AND ' : ' OR ';
      return `(${bound.items.map((item) => whereOf(item, catalog)).join(word)})`;
    }
    default:
      return leafWhere(bound, catalog);
  }
}

function leafWhere(leaf: Leaf, catalog: string): string {
  if (leaf.tests.length === 0) return 'false';
  return `(${leaf.fields.map((field) => fieldWhere(field, leaf.tests, catalog)).join(' OR ')})`;
}

const column = (name: string): string => `"${name}"`;

function fieldWhere(field: Field, tests: readonly Test[], catalog: string): string {
  const [first, second, ...rest] = field.path as [string, string?, ...string[]];
  const dimension = (
    name: DimensionName,
    fact: string,
    target: string,
    table = dimensions[name].table,
  ): string => `f.${column(fact)} IN (SELECT id FROM ${catalog}.${table} WHERE ${target})`;
  const on = (name: string): string => testsWhere(column(name), tests);

  if (first === 'source' || first === 'destination') {
    if (second === undefined) return 'true';
    if (second === 'port') return numeric(`${first}Port`, tests);
    if (second === 'ip') return dimension('endpoint', first, addressWhere(tests));
    if (second === 'scopes') return dimension('endpoint', first, on('value'), 'endpoint_scopes');
    if (second === 'labels') {
      if (rest.length === 0) return dimension('endpoint', first, '"hasLabels"');
      return dimension('endpoint', first, `key = ${text(rest[0]!)} AND ${on('value')}`, 'endpoint_labels');
    }
    return dimension('endpoint', first, on(second));
  }
  if (first === 'service' || first === 'request') {
    return second === undefined ? `f.${column(first)} <> 0` : dimension(first, first, on(second));
  }
  if (first === 'policies') {
    return second === undefined
      ? 'f.policies <> 0'
      : dimension('policies', 'policies', on(second), 'trace_steps');
  }
  if (first === 'verdictRaw' || first === 'dropReason') return dimension('reason', 'reason', on(first));
  if (first === 'origin' || first === 'cluster' || first === 'node' || first === 'collector') {
    return dimension('context', 'context', on(first));
  }
  if (first === 'id') return idWhere(tests, catalog);
  if (first in SYMBOLS) return symbolic(first as keyof typeof SYMBOLS, tests);
  if (Object.hasOwn(factColumns, first)) return numeric(first, tests);
  throw new Error(`no column holds ${field.name}`);
}

function symbolic(name: keyof typeof SYMBOLS, tests: readonly Test[]): string {
  if (tests.some((test) => test.type === 'exists')) return 'true';
  const numbers = tests.flatMap((test) =>
    test.type === 'equal' ? SYMBOLS[name].indexOf(test.value as string) : [],
  );
  return `f.${column(name)} IN (${numbers.join(', ')})`;
}

/** A column of `facts` that is a number, time or truth value. */
function numeric(name: string, tests: readonly Test[]): string {
  const where = testsWhere(`f.${column(name)}`, tests);
  return NULLABLE.has(name) ? `(f.${column(name)} <> -1 AND ${where})` : where;
}

function testsWhere(expression: string, tests: readonly Test[]): string {
  const parts = tests.map((test) => testWhere(expression, test));
  return `coalesce(${parts.join(' OR ')}, false)`;
}

/** Each test without NULL, as OR would otherwise hide a true one behind it. */
function testWhere(expression: string, test: Test): string {
  switch (test.type) {
    case 'exists':
      return `${expression} IS NOT NULL`;
    case 'equal':
      return `${expression} = ${literal(test.value)}`;
    case 'pattern':
      return `${expression} LIKE ${text(test.parts.map(likeEscaped).join('%'))} ESCAPE '\\'`;
    case 'range':
      return `${expression} ${test.operator} ${literal(test.value)}`;
    case 'between':
      return `(${expression} >= ${test.from} AND ${expression} < ${test.to})`;
    default:
      throw new Error('a network is looked for among addresses only');
  }
}

function addressWhere(tests: readonly Test[]): string {
  const parts = tests.map((test) => {
    if (test.type !== 'network') return testWhere('ip', test);
    const { network } = test;
    if (network.version === 4) return `(v4 >= ${network.from} AND v4 <= ${network.to})`;
    const from = Buffer.from(network.bytes);
    const to = Buffer.from(
      network.bytes.map((byte, i) => byte | (0xff >> Math.min(8, Math.max(0, network.prefix - i * 8)))),
    );
    return `(v6 >= '${from.toString('hex')}' AND v6 <= '${to.toString('hex')}')`;
  });
  return `coalesce(${parts.join(' OR ')}, false)`;
}

/** The id of a row as text: derived from its context and position where it can be. */
export function idExpression(catalog: string): string {
  const digit = (shift: number): string =>
    `substr('${ID_ALPHABET}', ((f."position" >> ${shift}) & 63)::INTEGER + 1, 1)`;
  const digits = [42, 36, 30, 24, 18, 12, 6, 0].map(digit).join(' || ');
  const prefix = `(SELECT c."idPrefix" FROM ${catalog}.contexts c WHERE c.id = f.context)`;
  return `(CASE WHEN f."idRef" = 0 THEN ${prefix} || ${digits} ELSE (SELECT i.value FROM ${catalog}.ids i WHERE i.id = f."idRef") END)`;
}

function idWhere(tests: readonly Test[], catalog: string): string {
  const parts = tests.map((test) => {
    if (test.type !== 'equal') return testWhere(idExpression(catalog), test);
    const id = test.value as string;
    const stored = `f."idRef" IN (SELECT id FROM ${catalog}.ids WHERE value = ${text(id)})`;
    const position = positionOf(id.slice(ID_PREFIX));
    if (position === null) return stored;
    const context = `SELECT id FROM ${catalog}.contexts WHERE "idPrefix" = ${text(id.slice(0, ID_PREFIX))}`;
    return `(${stored} OR (f."idRef" = 0 AND f."position" = ${position} AND f.context IN (${context})))`;
  });
  return `coalesce(${parts.join(' OR ')}, false)`;
}

function positionOf(digits: string): number | null {
  if (digits.length !== 8) return null;
  let position = 0;
  for (const digit of digits) {
    const value = ID_ALPHABET.indexOf(digit);
    if (value < 0) return null;
    position = position * 64 + value;
  }
  return position;
}

const likeEscaped = (part: string): string => part.replaceAll(/[\\%_]/g, String.raw`\$&`);
/** NUL cannot stand in a statement; no name holds one. */
const text = (value: string): string => `'${value.replaceAll("'", "''").replaceAll('\0', '\uFFFD')}'`;
const literal = (value: string | number | boolean): string =>
  typeof value === 'string'
    ? text(value)
    : typeof value === 'boolean'
      ? String(Number(value))
      : String(value);
