import { aliasesOf, fieldsOf, type Field } from '../../query/index.ts';
import { fieldNamed } from '../../query/fields.ts';
import { nearest } from '../../query/suggest.ts';
import type { Subject, SubjectKind } from './subject.ts';

export type Reader = (subject: Subject) => string | number | boolean | null;

/** The field of a record that a name stands for; its own name first, then an alias for exactly one field. */
export function fieldOf(kind: SubjectKind, name: string): Field | null {
  const own = fieldNamed(kind, name);
  if (own) return own;
  const targets = targetsOf(kind, name);
  return targets.length === 1 ? (fieldNamed(kind, targets[0]!) ?? null) : null;
}

const targetsOf = (kind: SubjectKind, name: string): readonly string[] =>
  Object.hasOwn(aliasesOf(kind), name) ? aliasesOf(kind)[name]! : [];

/** What is wrong with a name that is no field, with the nearest that is. */
export function unknownField(kind: SubjectKind, name: string, extra: readonly string[] = []): string {
  const near = targetsOf(kind, name)[0] ?? nearest(name, [...fieldsOf(kind).keys(), ...extra]);
  const hint = near === undefined ? '' : `; did you mean '${near}'?`;
  return `expected a field of a ${kind.replace('_', ' ')}, found '${name}'${hint}`;
}

type Holder = Readonly<Record<string, unknown>>;

/** Reads a field; several values, such as those of `source.scopes`, are one text, in their order. */
export function readerOf({ path, many }: Field): Reader {
  const [a, b] = path;
  if (!many && path.length === 1) return (subject) => scalar((subject as unknown as Holder)[a!]);
  if (!many && path.length === 2)
    return (subject) => scalar(((subject as unknown as Holder)[a!] as Holder | null)?.[b!]);
  return (flow) => {
    const found: string[] = [];
    gather(flow, path, 0, found);
    return found.length === 0 ? null : found.join(', ');
  };
}

function gather(value: unknown, path: readonly string[], step: number, found: string[]): void {
  if (value === null || value === undefined) return;
  if (Array.isArray(value)) for (const element of value) gather(element, path, step, found);
  else if (step === path.length) found.push(textOf(value));
  else if (Object.hasOwn(value, path[step]!)) gather((value as Holder)[path[step]!], path, step + 1, found);
}

const textOf = (value: unknown): string => String(scalar(value) ?? '');

function scalar(value: unknown): string | number | boolean | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}
