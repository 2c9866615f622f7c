import { WeirError } from '../../pipeline/errors.ts';
import { fieldNamed } from '../../query/fields.ts';
import { fieldsOf } from '../../query/index.ts';
import { nearest } from '../../query/suggest.ts';
import type { RecordKind } from '../../schema/records.ts';

/** Where the value of a field comes from: a field of the record, or a constant; null leaves the field out. */
export type FieldSource =
  | string
  | {
      readonly field?: string | undefined;
      readonly value?: string | undefined;
      readonly label?: string | undefined;
    }
  | null;

/** What users write under `fields.KIND`: names of the format, and where their values come from. */
export type FieldMap = Readonly<Record<string, FieldSource>>;

export type FieldValue = string | number | boolean;

/** A field that users added. */
export interface OwnField {
  readonly name: string;
  /** Name under which a CEF custom field is shown. */
  readonly label: string | null;
  readonly read: (record: object) => FieldValue | null;
}

/** `fields` of one kind, ready to be applied. */
export interface OwnFields {
  /** Names that are not written as they usually are. */
  readonly replaced: ReadonlySet<string>;
  readonly added: readonly OwnField[];
}

/** Throws `config_invalid` for a field that records of this kind do not have, or a name the format cannot hold. */
export function ownFields(kind: RecordKind, map: FieldMap | undefined, names: RegExp): OwnFields | null {
  const entries = Object.entries(map ?? {});
  if (entries.length === 0) return null;
  const replaced = new Set<string>();
  const added: OwnField[] = [];
  for (const [name, source] of entries) {
    if (!names.test(name))
      throw new WeirError(
        'config_invalid',
        `fields.${kind}: '${name}' cannot be the name of a field: expected ${names.source}`,
      );
    replaced.add(name);
    if (source === null) continue;
    const { field, value, label } =
      typeof source === 'string' ? { field: source, value: undefined, label: undefined } : source;
    if ((field === undefined) === (value === undefined))
      throw new WeirError('config_invalid', `fields.${kind}.${name}: expected either 'field' or 'value'`);
    added.push({
      name,
      label: label ?? null,
      read: value === undefined ? reader(kind, name, field!) : () => value,
    });
  }
  return { replaced, added };
}

function reader(kind: RecordKind, name: string, field: string): (record: object) => FieldValue | null {
  const found = fieldNamed(kind, field);
  if (!found) {
    const hint = nearest(field, fieldsOf(kind).keys());
    throw new WeirError(
      'config_invalid',
      `fields.${kind}.${name}: records of kind ${kind} have no field '${field}'${hint === undefined ? '' : `; did you mean '${hint}'?`}`,
    );
  }
  const { path } = found;
  return (record) => plain(at(record, path, 0));
}

/** The value at the end of a path; of lists, those of all elements. */
function at(value: unknown, path: readonly string[], step: number): unknown {
  if (value === null || value === undefined || step === path.length) return value;
  if (Array.isArray(value))
    return value.flatMap((one) => at(one, path, step)).filter((one) => one !== null && one !== undefined);
  return Object.hasOwn(value, path[step]!)
    ? at((value as Record<string, unknown>)[path[step]!], path, step + 1)
    : null;
}

function plain(value: unknown): FieldValue | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value))
    return value.length === 0 ? null : value.map((one) => String(plain(one))).join(',');
  return JSON.stringify(value);
}
