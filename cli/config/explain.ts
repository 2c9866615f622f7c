import type { z } from 'zod';
import { nearest } from '../../query/suggest.ts';
import { shown, type Path, type Problem } from './problems.ts';
import { branches, defOf, isSecretAt, keysOf, schemasAt, unwrap, type AnySchema } from './schema-walk.ts';

type Issue = z.core.$ZodIssue;

const typeNames: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'null',
};

/** What is wrong, for each issue of a parse with `reportInput`, with paths below `at`. */
export function explain(
  issues: readonly Issue[],
  schema: AnySchema,
  at: Path,
  extraKeys: readonly string[] = [],
): Problem[] {
  return issues.flatMap((issue) => explainOne(issue, schema, at, extraKeys));
}

function explainOne(issue: Issue, schema: AnySchema, at: Path, extraKeys: readonly string[]): Problem[] {
  const inner = issue.path as (string | number)[];
  const path = [...at, ...inner];
  if (issue.code === 'unrecognized_keys') {
    const known = [...(inner.length === 0 ? extraKeys : []), ...schemasAt(schema, inner).flatMap(keysOf)];
    return issue.keys.map((key) => unknownKey([...path, key], key, known));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const best = nearestBranch(issue.errors);
    if (best)
      return explain(
        best.map((error) => ({ ...error, path: [...inner, ...error.path] })),
        schema,
        at,
        extraKeys,
      );
  }
  const input = issue.input;
  const described = schemasAt(schema, inner)
    .map((found) => unwrap(found).description)
    .find((text) => text !== '');
  const expected = expectation(issue, schema, inner);
  if (input === undefined) {
    return [
      {
        path,
        message: `missing: expected ${expected}${described ? ` (${described.replace(/\.$/, '')})` : ''}`,
        atKey: true,
      },
    ];
  }
  const found = isSecretAt(schema, inner) ? 'a value that is not shown' : shown(input);
  return [{ path, message: `found ${found}, expected ${expected}` }];
}

/** An unknown key, with the valid one it was probably meant to be. */
export function unknownKey(path: Path, key: string, known: readonly string[], what = 'key'): Problem {
  const close = nearest(key, known);
  let hint = known.length > 0 && known.length <= 24 ? `, expected one of ${known.join(', ')}` : '';
  if (close !== undefined) hint = `, did you mean '${close}'?`;
  if (known.length === 0) hint = ', none is expected here';
  return { path, message: `unknown ${what} '${key}'${hint}`, atKey: true };
}

/** Of the branches of a union, the one the value comes closest to; null when no branch is of its type. */
function nearestBranch(errors: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const candidates = errors.filter(
    (branch) =>
      branch.length > 0 && !branch.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type'),
  );
  return candidates.toSorted((a, b) => a.length - b.length)[0] ?? null;
}

function expectation(issue: Issue, schema: AnySchema, path: readonly (string | number)[]): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value': {
      const close =
        typeof issue.input === 'string' ? nearest(issue.input, issue.values.map(String)) : undefined;
      const list = issue.values.map((value) => `'${String(value)}'`).join(', ');
      return `${issue.values.length === 1 ? '' : 'one of '}${list}${close === undefined ? '' : `; did you mean '${close}'?`}`;
    }
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case 'not_multiple_of':
      return `a multiple of ${String(issue.divisor)}`;
    case 'invalid_format':
      if (issue.message.startsWith('expected ')) return issue.message.slice('expected '.length);
      return issue.format === 'regex'
        ? `text that matches ${issue.pattern ?? 'its pattern'}`
        : `a valid ${issue.format}`;
    case 'invalid_union':
      if (issue.message.startsWith('expected ')) return issue.message.slice('expected '.length);
      return unionText(schemasAt(schema, path));
    default:
      return issue.message.startsWith('expected ')
        ? issue.message.slice('expected '.length)
        : `otherwise: ${issue.message}`;
  }
}

const unitOf = (origin: string): string => {
  if (origin === 'string') return ' characters';
  if (origin === 'array' || origin === 'set') return ' items';
  return '';
};

/** `true or false, or a mapping (ca, cert, key)`. */
function unionText(schemas: readonly AnySchema[]): string {
  const names = schemas.flatMap(branches).map((branch) => {
    const def = defOf(branch);
    if (def.type === 'literal') return (def.values ?? []).map((value) => `'${String(value)}'`).join(' or ');
    const keys = Object.keys(def.shape ?? {});
    return `${typeNames[def.type] ?? def.type}${keys.length > 0 ? ` (${keys.slice(0, 6).join(', ')})` : ''}`;
  });
  return [...new Set(names)].join(', or ');
}
