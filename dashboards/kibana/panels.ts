import type { Column } from './columns.ts';
import { idOf, viewId, type Place } from './place.ts';
import type { Reference } from './saved-object.ts';
import { narrowed, type Subject } from './subject.ts';

/** A panel without its place on the page. */
export type Panel = (place: Place, index: string) => BuiltPanel;

export interface BuiltPanel {
  readonly type: 'lens' | 'search' | 'visualization';
  readonly title: string;
  readonly panelRefName?: string;
  readonly embeddableConfig: Readonly<Record<string, unknown>>;
  /** As the panel itself names them. */
  readonly references: readonly Reference[];
}

interface Asked {
  readonly title: string;
  readonly of: Subject;
  /** KQL beside that of the subject. */
  readonly where?: string;
  /** For records that know no scope, so that a chosen one does not hide them. */
  readonly ignoresFilters?: true;
}

/** The layer of every panel: each has one. */
const LAYER = 'layer';

type Columns = Readonly<Record<string, Column>>;

function lens(asked: Asked, visualizationType: string, columns: Columns, visualization: object): Panel {
  const subject = { ...asked.of, where: narrowed(asked.of, asked.where) };
  const orderBy = Object.entries(columns).find(([, column]) => !column.isBucket)?.[0];
  if (orderBy === undefined) throw new TypeError(`${asked.title}: nothing is measured`);
  const made = Object.fromEntries(
    Object.entries(columns).map(([id, column]) => [id, column.make(subject, { orderBy })]),
  );
  return (place) => {
    const references: Reference[] = [
      {
        type: 'index-pattern',
        id: viewId(subject.view, place),
        name: `indexpattern-datasource-layer-${LAYER}`,
      },
    ];
    return {
      type: 'lens',
      title: asked.title,
      references,
      embeddableConfig: {
        enhancements: {},
        hidePanelTitles: false,
        attributes: {
          title: asked.title,
          visualizationType,
          type: 'lens',
          references,
          state: {
            query: { language: 'kuery', query: subject.where },
            filters: [],
            internalReferences: [],
            adHocDataViews: {},
            datasourceStates: {
              formBased: {
                layers: {
                  [LAYER]: {
                    columns: made,
                    // Kibana takes buckets before measures.
                    columnOrder: [
                      ...Object.keys(made).filter((id) => columns[id]!.isBucket),
                      ...Object.keys(made).filter((id) => !columns[id]!.isBucket),
                    ],
                    incompleteColumns: {},
                    sampling: 1,
                    ignoreGlobalFilters: asked.ignoresFilters ?? false,
                  },
                },
              },
              textBased: { layers: {} },
            },
            visualization,
          },
        },
      },
    };
  };
}

const layer = { layerId: LAYER, layerType: 'data' } as const;

/** One number. */
export const metric = (asked: Asked, value: Column): Panel =>
  lens(asked, 'lnsMetric', { value }, { ...layer, metricAccessor: 'value' });

/** Over time, split by the values of a field. */
export function series(
  asked: Asked & { readonly by: Column; readonly as?: 'bar_stacked' | 'area_stacked' | 'line' },
  value: Column,
  over: Column,
): Panel {
  const seriesType = asked.as ?? 'bar_stacked';
  return lens(
    asked,
    'lnsXY',
    { time: over, by: asked.by, value },
    {
      preferredSeriesType: seriesType,
      legend: { isVisible: true, position: 'right' },
      valueLabels: 'hide',
      fittingFunction: 'None',
      axisTitlesVisibilitySettings: { x: false, yLeft: true, yRight: true },
      layers: [{ ...layer, seriesType, xAccessor: 'time', splitAccessor: 'by', accessors: ['value'] }],
    },
  );
}

/** Parts of a whole. */
export const donut = (asked: Asked & { readonly by: Column }, value: Column): Panel =>
  lens(
    asked,
    'lnsPie',
    { by: asked.by, value },
    {
      shape: 'donut',
      layers: [
        {
          ...layer,
          primaryGroups: ['by'],
          metrics: ['value'],
          numberDisplay: 'percent',
          categoryDisplay: 'default',
          legendDisplay: 'default',
          nestedLegend: false,
        },
      ],
    },
  );

/** Rows of values, with the measures of each, most of the first measure first. */
export function table(
  asked: Asked & { readonly by: readonly Column[] },
  ...measures: readonly Column[]
): Panel {
  const columns: Columns = Object.fromEntries([
    ...asked.by.map((column, i) => [`by${i}`, column] as const),
    ...measures.map((column, i) => [`value${i}`, column] as const),
  ]);
  return lens(asked, 'lnsDatatable', columns, {
    ...layer,
    columns: Object.keys(columns).map((columnId) => ({ columnId })),
    sorting: { columnId: 'value0', direction: 'desc' },
    paging: { size: 10, enabled: true },
  });
}

/** How much of a measure there is between the values of two fields. */
export const heatmap = (asked: Asked & { readonly x: Column; readonly y: Column }, value: Column): Panel =>
  lens(
    asked,
    'lnsHeatmap',
    { x: asked.x, y: asked.y, value },
    {
      ...layer,
      shape: 'heatmap',
      xAccessor: 'x',
      yAccessor: 'y',
      valueAccessor: 'value',
      legend: { isVisible: true, position: 'right', type: 'heatmap_legend' },
      gridConfig: {
        type: 'heatmap_grid',
        isCellLabelVisible: true,
        isYAxisLabelVisible: true,
        isXAxisLabelVisible: true,
        isYAxisTitleVisible: true,
        isXAxisTitleVisible: true,
      },
    },
  );

/** A saved search, with its rows. */
export const rows =
  (title: string, search: string): Panel =>
  (place, index) => ({
    type: 'search',
    title,
    panelRefName: `panel_${index}`,
    references: [{ type: 'search', id: idOf(search, place), name: `panel_${index}` }],
    embeddableConfig: { enhancements: {}, hidePanelTitles: false },
  });

/** Words of ours, in Markdown. */
export const text =
  (markdown: (place: Place) => string): Panel =>
  (place) => ({
    type: 'visualization',
    title: '',
    references: [],
    embeddableConfig: {
      enhancements: {},
      hidePanelTitles: true,
      savedVis: {
        title: '',
        description: '',
        type: 'markdown',
        params: { fontSize: 12, openLinksInNewTab: false, markdown: markdown(place) },
        uiState: {},
        data: { aggs: [], searchSource: { query: { language: 'kuery', query: '' }, filter: [] } },
      },
    },
  });
