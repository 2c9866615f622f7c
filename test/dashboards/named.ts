import { parse } from '../../query/index.ts';
import { fieldsIn } from '../../dashboards/kibana/kql.ts';

/** Names of keys whose text is KQL. */
const isQuery = (value: object): value is { query: string; language: 'kuery' } =>
  'language' in value && value.language === 'kuery' && 'query' in value && typeof value.query === 'string';

/**
 * Every field that a saved object or a rule names, found by what Kibana reads: KQL, the columns of panels and searches,
 * controls, filters, formats. Written apart from the builder, so that it sees what the builder forgot.
 */
export function fieldsNamedIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsNamedIn);
  if (typeof value !== 'object' || value === null) return [];
  const found: string[] = [];
  if (isQuery(value)) found.push(...fieldsIn(parse(value.query)));
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    if (['sourceField', 'fieldName', 'field', 'rule_name_override', 'timeFieldName'].includes(key))
      found.push(inner as string);
    else if (key === 'fieldFormatMap')
      found.push(...Object.keys(JSON.parse(inner as string) as Record<string, unknown>));
    else if (key === 'columns' && Array.isArray(inner))
      found.push(...inner.filter((one): one is string => typeof one === 'string'));
    else if (key === 'sort' && Array.isArray(inner)) found.push((inner as string[][])[0]![0]!);
    else if (typeof inner === 'string' && key.endsWith('JSON'))
      found.push(...fieldsNamedIn(JSON.parse(inner)));
    found.push(...fieldsNamedIn(inner));
  }
  return found.filter((name) => name !== '___records___');
}
