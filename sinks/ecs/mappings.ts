import type { FieldType } from './field.ts';
import { ecsFields } from './fields.ts';

export type Mapping = Readonly<Record<string, unknown>>;

/** Longer text is kept in the document, and not indexed. */
const KEYWORD = { type: 'keyword', ignore_above: 1024 } as const;

const mappingOf = (type: FieldType): Mapping =>
  // Labels are named by others: one field for all of them, so that they cannot exhaust the limit of fields.
  type === 'keyword'
    ? KEYWORD
    : type === 'flattened' || type === 'wildcard'
      ? { type, ignore_above: 1024 }
      : { type };

/** Set by an ingest pipeline, where there is one. */
const pipelineFields: Readonly<Record<string, FieldType>> = { 'event.ingested': 'date', tags: 'keyword' };

/** The mapping of every field; of `data_stream`, whose values differ, each index template has its own. */
export const mappings = {
  dynamic: true,
  date_detection: false,
  dynamic_templates: [{ strings_as_keyword: { match_mapping_type: 'string', mapping: KEYWORD } }],
  properties: propertiesOf([
    ...[...ecsFields.values()]
      .filter(({ name }) => !name.startsWith('data_stream.'))
      .map(({ name, type }) => [name, type] as const),
    ...Object.entries(pipelineFields),
  ]),
};

/** Names with dots as the tree of a mapping. */
function propertiesOf(fields: readonly (readonly [string, FieldType])[]): Record<string, Mapping> {
  const root: Record<string, Mapping> = {};
  for (const [name, type] of fields) {
    const path = name.split('.');
    let at = root;
    for (const part of path.slice(0, -1)) {
      const inner = (at[part] ??= { properties: {} });
      at = inner['properties'] as Record<string, Mapping>;
    }
    at[path.at(-1)!] = mappingOf(type);
  }
  return root;
}
