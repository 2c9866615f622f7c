import { ecsKinds, type EcsKind } from './streams.ts';

/** Types of Elasticsearch that our fields have. */
export type FieldType =
  | 'keyword'
  | 'wildcard'
  | 'constant_keyword'
  | 'match_only_text'
  | 'date'
  | 'long'
  | 'float'
  | 'boolean'
  | 'ip'
  | 'flattened';

export interface EcsField {
  /** Its whole name, such as `source.ip`. */
  readonly name: string;
  readonly type: FieldType;
  /** Kinds of record whose documents may hold it. */
  readonly kinds: readonly EcsKind[];
  /** It may hold several values. */
  readonly isList: boolean;
  /** What it holds, for a reader of the reference. */
  readonly holds: string;
}

/** A field as it is written down: type, `[]` after the type where it is a list, and what it holds. */
type Written = readonly [type: FieldType | `${FieldType}[]`, holds: string];

/** Fields of these kinds, under a common prefix. */
export function fieldsOf(
  kinds: readonly EcsKind[] | 'all',
  prefix: string,
  fields: Readonly<Record<string, Written>>,
): EcsField[] {
  return Object.entries(fields).map(([name, [type, holds]]) => ({
    name: prefix + name,
    type: type.replace('[]', '') as FieldType,
    kinds: kinds === 'all' ? ecsKinds : kinds,
    isList: type.endsWith('[]'),
    holds,
  }));
}
