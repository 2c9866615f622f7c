import type { RecordKind } from '../schema/records.ts';
import { canonicalAddress, parseNetwork, type Network } from './address.ts';
import { aliasesOf, PROTOCOLS, VALUE_ALIASES } from './aliases.ts';
import { isExists, type Node, type Operator, type Value } from './ast.ts';
import { QueryError } from './errors.ts';
import { fieldNamed, fieldsOf, type Field } from './fields.ts';
import { nearest } from './suggest.ts';
import { parseMoment } from './times.ts';

/** A query whose names and values are known to fit a record kind: what evaluation and SQL are made from. */
export type Bound =
  | { readonly type: 'all' }
  | { readonly type: 'and' | 'or'; readonly items: readonly Bound[] }
  | { readonly type: 'not'; readonly item: Bound }
  | Leaf;

/** True when any test holds for any element of any of the fields; false where they are all absent. */
export interface Leaf {
  readonly type: 'leaf';
  readonly fields: readonly Field[];
  readonly tests: readonly Test[];
}

export type Test =
  | { readonly type: 'exists' }
  | { readonly type: 'equal'; readonly value: string | number | boolean }
  /** Text between wildcards, at least two parts. */
  | { readonly type: 'pattern'; readonly parts: readonly string[] }
  | { readonly type: 'range'; readonly operator: Operator; readonly value: number }
  /** From `from` up to but without `to`. */
  | { readonly type: 'between'; readonly from: number; readonly to: number }
  | { readonly type: 'network'; readonly network: Network };

/** Looks up names and reads values for one kind. Throws QueryError at the name or value that does not fit. */
export function bind(kind: RecordKind, query: string, node: Node): Bound {
  const bindNode = (from: Node): Bound => {
    switch (from.type) {
      case 'all':
        return from;
      case 'and':
      case 'or':
        return { type: from.type, items: from.items.map(bindNode) };
      case 'not':
        return { type: 'not', item: bindNode(from.item) };
      case 'match': {
        const fields = resolve(kind, query, from.field, from.at);
        return {
          type: 'leaf',
          fields,
          tests: from.values.flatMap((value) => matchTests(query, fields[0]!, value)),
        };
      }
      default: {
        const fields = resolve(kind, query, from.field, from.at);
        return { type: 'leaf', fields, tests: compareTests(query, fields[0]!, from.operator, from.value) };
      }
    }
  };
  return bindNode(node);
}

/** Own names first, then aliases; all fields of an alias are of one type. */
function resolve(kind: RecordKind, query: string, name: string, at: number): readonly Field[] {
  const own = fieldNamed(kind, name);
  const aliases = aliasesOf(kind);
  if (own && !(own.type === 'record' && Object.hasOwn(aliases, name))) return [own];
  const targets = Object.hasOwn(aliases, name) ? aliases[name]! : mapAliases(aliases, name);
  const fields = targets.flatMap((target) => fieldNamed(kind, target) ?? []);
  if (fields.length > 0) return fields;
  const near = nearest(name, [...fieldsOf(kind).keys(), ...Object.keys(aliases)]);
  const hint = near ? `; did you mean '${near}'?` : '';
  throw new QueryError(query, at, `expected a field of ${article(kind)}, found '${name}'${hint}`);
}

/** `kubernetes.labels.app` is key `app` of each map that `kubernetes.labels` stands for. */
function mapAliases(aliases: Readonly<Record<string, readonly string[]>>, name: string): readonly string[] {
  for (const [alias, targets] of Object.entries(aliases)) {
    if (alias.endsWith('labels') && name.startsWith(`${alias}.`)) {
      return targets.map((target) => target + name.slice(alias.length));
    }
  }
  return [];
}

const article = (kind: RecordKind): string => {
  const word = kind.replace('_', ' ');
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`;
};

function matchTests(query: string, field: Field, value: Value): readonly Test[] {
  if (isExists(value)) return [{ type: 'exists' }];
  const text = value.parts.join('*');
  const plain = value.parts.length === 1;
  const fail = (expected: string): never => {
    throw new QueryError(query, value.at, `expected ${expected} for '${field.name}', found '${text}'`);
  };
  switch (field.type) {
    case 'text':
      return [plain ? { type: 'equal', value: text } : { type: 'pattern', parts: value.parts }];
    case 'address': {
      if (!plain) return [{ type: 'pattern', parts: value.parts }];
      const network = parseNetwork(text);
      if (network) return [{ type: 'network', network }];
      return [
        {
          type: 'equal',
          value: canonicalAddress(text) ?? fail(`an address, a network such as 10.0.0.0/8 or '*'`),
        },
      ];
    }
    case 'enum':
    case 'severity':
      return symbolsFor(field, value, fail).map((symbol) => ({ type: 'equal', value: symbol }));
    case 'boolean': {
      const lower = text.toLowerCase();
      if (!plain || (lower !== 'true' && lower !== 'false')) return fail("'true', 'false' or '*'");
      return [{ type: 'equal', value: lower === 'true' }];
    }
    case 'time': {
      const moment = plain ? parseMoment(text) : null;
      if (!moment) return fail(TIME);
      return [{ type: 'between', from: moment.fromMs, to: moment.fromMs + moment.lengthMs }];
    }
    case 'number':
      return [{ type: 'equal', value: (plain ? numberOf(text) : null) ?? fail("a number or '*'") }];
    case 'protocol': {
      const number = plain ? (PROTOCOLS.get(text.toLowerCase()) ?? numberOf(text)) : null;
      return [
        {
          type: 'equal',
          value: number ?? fail(`a protocol number or one of ${[...PROTOCOLS.keys()].join(', ')}`),
        },
      ];
    }
    case 'map':
      return fail(`'*', or a key as in ${field.name}.app,`);
    default:
      return fail(`'*', or one of its parts as in ${field.name}.name,`);
  }
}

function compareTests(query: string, field: Field, operator: Operator, value: Value): readonly Test[] {
  const text = value.parts.join('*');
  const fail = (expected: string): never => {
    throw new QueryError(query, value.at, `expected ${expected} after '${operator}', found '${text}'`);
  };
  if (field.type === 'severity') {
    const rank = value.parts.length === 1 ? field.symbols.indexOf(text.toLowerCase()) : -1;
    if (rank < 0) fail(`one of ${field.symbols.join(', ')}`);
    return field.symbols
      .filter((_, i) => compares(i, operator, rank))
      .map((symbol) => ({ type: 'equal', value: symbol }));
  }
  if (field.type === 'time') {
    const moment = value.parts.length === 1 ? parseMoment(text) : null;
    return [{ type: 'range', operator, value: moment ? moment.fromMs : fail(TIME) }];
  }
  if (field.type === 'number' || field.type === 'protocol') {
    return [
      {
        type: 'range',
        operator,
        value: (value.parts.length === 1 ? numberOf(text) : null) ?? fail('a number'),
      },
    ];
  }
  throw new QueryError(
    query,
    value.at,
    `'${operator}' compares numbers, times and severity; '${field.name}' is ${field.type === 'enum' ? 'one of ' + field.symbols.join(', ') : field.type}: expected ':'`,
  );
}

export function compares(left: number, operator: Operator, right: number): boolean {
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  if (operator === '>') return left > right;
  return left >= right;
}

/** Enum values are compared without regard to case; a pattern stands for the symbols it fits. */
function symbolsFor(field: Field, value: Value, fail: (expected: string) => never): readonly string[] {
  const parts = value.parts.map((part) => part.toLowerCase());
  if (parts.length > 1) {
    const fitting = field.symbols.filter((symbol) => matchesPattern(parts, symbol));
    return fitting.length > 0 ? fitting : fail(`one of ${field.symbols.join(', ')}`);
  }
  const text = VALUE_ALIASES.get(`${field.path.at(-1)}:${parts[0]}`) ?? parts[0]!;
  return field.symbols.includes(text) ? [text] : fail(`one of ${field.symbols.join(', ')}`);
}

const TIME = 'a time such as 2026-11-24T03:12:00Z or a date';

function numberOf(text: string): number | null {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

/** Whether the text is the parts in order with anything between them. Linear for each part; never backtracks. */
export function matchesPattern(parts: readonly string[], text: string): boolean {
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  const end = text.length - last.length;
  let from = first.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const at = text.indexOf(parts[i]!, from);
    if (at < 0 || at + parts[i]!.length > end) return false;
    from = at + parts[i]!.length;
  }
  return true;
}
