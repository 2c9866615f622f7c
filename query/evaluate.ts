import type { Flow, RecordKind, RecordTypes } from '../schema/records.ts';
import { networkHas } from './address.ts';
import { bind, compares, matchesPattern, type Bound, type Leaf, type Test } from './bind.ts';
import type { Field } from './fields.ts';
import { flowList, flowRead } from './flow-reads.ts';
import { parse } from './parse.ts';

export type Predicate<K extends RecordKind> = (record: RecordTypes[K]) => boolean;

type Check = (record: object) => boolean;
type ValueCheck = (value: unknown) => boolean;

/**
 * A predicate over records of one kind, made of closures: nothing is looked up or parsed per record. Throws
 * QueryError (`query_invalid`) when the text is no query or names what the kind lacks. A comparison with an
 * absent field is false and its negation true.
 */
export function compileQuery<K extends RecordKind>(kind: K, query: string): Predicate<K> {
  return compileBound(kind, bind(kind, query, parse(query)));
}

function compileBound(kind: RecordKind, bound: Bound): Check {
  switch (bound.type) {
    case 'all':
      return () => true;
    case 'not': {
      const item = compileBound(kind, bound.item);
      return (record) => !item(record);
    }
    case 'and':
      return allOf(
        bound.items.toSorted((a, b) => costOf(a) - costOf(b)).map((each) => compileBound(kind, each)),
      );
    case 'or':
      return anyOf(bound.items.map((each) => compileBound(kind, each)));
    default:
      return compileLeaf(kind, bound);
  }
}

/** What can be told at little cost is asked first: in an `and` of pure conditions the order is free. */
function costOf(bound: Bound): number {
  if (bound.type === 'not') return costOf(bound.item);
  if (bound.type !== 'leaf') return 'items' in bound ? 2 + bound.items.length : 0;
  const isPlain = bound.tests.every(({ type }) => type === 'equal' || type === 'range');
  return bound.fields.length * ((isPlain ? 1 : 2) + (bound.fields.some(({ many }) => many) ? 1 : 0));
}

const allOf = (checks: readonly Check[]): Check => {
  const [a, b, c] = checks;
  if (checks.length === 2) return (record) => a!(record) && b!(record);
  if (checks.length === 3) return (record) => a!(record) && b!(record) && c!(record);
  return (record) => {
    for (let i = 0; i < checks.length; i++) if (!checks[i]!(record)) return false;
    return true;
  };
};
const anyOf = (checks: readonly Check[]): Check => {
  const [a, b] = checks;
  if (checks.length === 1) return a!;
  if (checks.length === 2) return (record) => a!(record) || b!(record);
  return (record) => {
    for (let i = 0; i < checks.length; i++) if (checks[i]!(record)) return true;
    return false;
  };
};

function compileLeaf(kind: RecordKind, leaf: Leaf): Check {
  const test = compileTests(leaf.tests);
  return anyOf(
    leaf.fields.map(
      (field) => (kind === 'flow' ? flowReader(field, leaf, test) : null) ?? reader(field, test),
    ),
  );
}

/** Applies a test to one of the fields that are read without following a path; null for the others. */
function flowReader(field: Field, { tests }: Leaf, test: ValueCheck): Check | null {
  const list = flowList(field.name);
  if (list !== null)
    return (record) => {
      const values = list(record as Flow);
      for (let i = 0; i < values.length; i++) if (test(values[i])) return true;
      return false;
    };
  const read = flowRead(field.name);
  if (read === null) return null;
  const [only] = tests;
  if (tests.length === 1 && only?.type === 'equal') {
    const { value } = only;
    return (record) => read(record as Flow) === value;
  }
  return (record) => {
    const value = read(record as Flow);
    return value !== null && value !== undefined && test(value);
  };
}

/** Many plain values are one set look-up. */
function compileTests(tests: readonly Test[]): ValueCheck {
  const equals = new Set<unknown>();
  const checks: ValueCheck[] = [];
  for (const test of tests) {
    if (test.type === 'equal') equals.add(test.value);
    else checks.push(compileTest(test));
  }
  if (equals.size === 1) {
    const [only] = equals;
    checks.unshift((value) => value === only);
  } else if (equals.size > 1) {
    checks.unshift((value) => equals.has(value));
  }
  const [first] = checks;
  if (first && checks.length === 1) return first;
  return (value) => checks.some((check) => check(value));
}

function compileTest(test: Exclude<Test, { type: 'equal' }>): ValueCheck {
  switch (test.type) {
    case 'exists':
      return () => true;
    case 'pattern':
      return (value) => matchesPattern(test.parts, value as string);
    case 'range':
      return (value) => compares(value as number, test.operator, test.value);
    case 'between':
      return (value) => (value as number) >= test.from && (value as number) < test.to;
    default:
      return (value) => networkHas(test.network, value as string);
  }
}

type Holder = Readonly<Record<string, unknown>>;

/** Applies a test to what a path leads to; the test never meets null. */
function reader(field: Field, test: ValueCheck): Check {
  const [a, b] = field.path;
  if (!field.many && field.path.length === 1) {
    return (record) => {
      const value = (record as Holder)[a!];
      return value !== null && value !== undefined && test(value);
    };
  }
  if (!field.many && field.path.length === 2) {
    return (record) => {
      const holder = (record as Holder)[a!] as Holder | null | undefined;
      if (holder === null || holder === undefined || !Object.hasOwn(holder, b!)) return false;
      const value = holder[b!];
      return value !== null && value !== undefined && test(value);
    };
  }
  return (record) => walk(record, field.path, 0, test);
}

function walk(value: unknown, path: readonly string[], step: number, test: ValueCheck): boolean {
  if (value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.some((element) => walk(element, path, step, test));
  if (step === path.length) return test(value);
  const holder = value as Holder;
  return Object.hasOwn(holder, path[step]!) && walk(holder[path[step]!], path, step + 1, test);
}
