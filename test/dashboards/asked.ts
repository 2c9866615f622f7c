import type { LensColumn } from '../../dashboards/kibana/columns.ts';
import type { SavedObject } from '../../dashboards/kibana/saved-object.ts';
import { parse } from '../../query/index.ts';
import { elasticQuery } from './kql-query.ts';

/** One question that Kibana asks for a panel, a search, a control or a filter. */
export interface Asked {
  readonly name: string;
  readonly index: string;
  readonly query: object;
  readonly columns: readonly (readonly [id: string, column: LensColumn])[];
}

interface PanelShape {
  readonly title?: string;
  readonly type: string;
  readonly embeddableConfig: {
    readonly attributes?: {
      readonly references: SavedObject['references'];
      readonly state: {
        readonly query: { readonly query: string };
        readonly datasourceStates: {
          readonly formBased: {
            readonly layers: Readonly<
              Record<string, { columns: Record<string, LensColumn>; columnOrder: readonly string[] }>
            >;
          };
        };
      };
    };
  };
}

const kql = (text: string): object => elasticQuery(parse(text));

/** Everything that these objects ask, one after the other. */
export function questions(objects: readonly SavedObject[]): Asked[] {
  const titles = new Map(
    objects
      .filter(({ type }) => type === 'index-pattern')
      .map(({ id, attributes }) => [id, attributes['title'] as string]),
  );
  const indexOf = (references: SavedObject['references'], name: string): string =>
    titles.get(references.find((reference) => reference.name === name)!.id)!;

  return objects.flatMap(({ type, id, attributes, references }): Asked[] => {
    const { searchSourceJSON } = (attributes['kibanaSavedObjectMeta'] ?? {}) as { searchSourceJSON: string };
    if (type === 'search') {
      const source = JSON.parse(searchSourceJSON) as { query: { query: string }; indexRefName: string };
      return [
        {
          name: id,
          index: indexOf(references, source.indexRefName),
          query: kql(source.query.query),
          columns: [],
        },
      ];
    }
    if (type !== 'dashboard') return [];
    const { filter } = JSON.parse(searchSourceJSON) as {
      filter: { meta: { indexRefName: string; alias: string }; query: object }[];
    };
    const controls = JSON.parse(
      (attributes['controlGroupInput'] as { panelsJSON: string }).panelsJSON,
    ) as Record<string, { explicitInput: { fieldName: string; title: string } }>;
    return [
      ...filter.map(({ meta, query }) => ({
        name: `${id}: filter '${meta.alias}'`,
        index: indexOf(references, meta.indexRefName),
        query,
        columns: [],
      })),
      ...Object.entries(controls).map(([control, { explicitInput }]) => ({
        name: `${id}: control '${explicitInput.title}'`,
        index: indexOf(references, `controlGroup_${control}:optionsListDataView`),
        query: kql(`${explicitInput.fieldName} : *`),
        columns: [],
      })),
      ...(JSON.parse(attributes['panelsJSON'] as string) as PanelShape[]).flatMap((panel) => {
        const lens = panel.embeddableConfig.attributes;
        if (panel.type !== 'lens' || !lens) return [];
        return Object.entries(lens.state.datasourceStates.formBased.layers).map(([layer, made]) => ({
          name: `${id}: ${panel.title}`,
          index: indexOf(lens.references, `indexpattern-datasource-layer-${layer}`),
          query: kql(lens.state.query.query),
          columns: made.columnOrder.map((column) => [column, made.columns[column]!] as const),
        }));
      }),
    ];
  });
}

/** The aggregations that Lens makes of its columns: buckets inside each other, the measures in the innermost. */
export function aggregations(columns: Asked['columns']): Record<string, object> {
  const [first, ...rest] = columns;
  if (first === undefined) return {};
  const [id, column] = first;
  if (!column.isBucketed) return { ...measure(id, column), ...aggregations(rest) };
  const inner = aggregations(rest);
  // A bucket is ordered by a measure of its own, however many buckets are in it.
  const measures = Object.assign(
    {},
    ...columns.flatMap(([name, each]) => (each.isBucketed ? [] : [measure(name, each)])),
  ) as Record<string, object>;
  return { [id]: { ...bucket(column, columns), aggs: { ...measures, ...inner } } };
}

function bucket(column: LensColumn, columns: Asked['columns']): object {
  const { sourceField: field, params } = column;
  if (column.operationType === 'date_histogram') return { date_histogram: { field, fixed_interval: '1m' } };
  const { columnId } = params['orderBy'] as { columnId: string };
  const ordering = new Map(columns).get(columnId)!;
  const isCount = ordering.operationType === 'count' && !ordering.filter;
  return {
    terms: {
      field,
      size: params['size'],
      order: { [isCount ? '_count' : columnId]: params['orderDirection'] },
    },
  };
}

function measure(
  id: string,
  { operationType, sourceField: field, filter }: LensColumn,
): Record<string, object> {
  if (filter) return { [id]: { filter: kql(filter.query) } };
  switch (operationType) {
    case 'count':
      return {};
    case 'sum':
    case 'max':
      return { [id]: { [operationType]: { field } } };
    case 'unique_count':
      return { [id]: { cardinality: { field } } };
    default:
      throw new Error(`no aggregation is known for ${operationType}`);
  }
}
