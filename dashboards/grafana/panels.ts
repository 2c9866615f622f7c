/** A panel without its place on the page. */
export interface GrafanaPanel {
  readonly title: string;
  readonly description: string;
  readonly type: 'timeseries' | 'stat';
  readonly unit: Unit;
  readonly queries: readonly Query[];
}

/** Units as Grafana names them. */
type Unit = 'short' | 'ops' | 's' | 'bytes' | 'percentunit';

/** PromQL, and how its lines are called. */
type Query = readonly [expression: string, legend: string];

const panel =
  (type: GrafanaPanel['type']) =>
  (title: string, unit: Unit, description: string, ...queries: readonly Query[]): GrafanaPanel => ({
    title,
    description,
    type,
    unit,
    queries,
  });

export const over = panel('timeseries');
export const now = panel('stat');

/** The data source is chosen above the dashboard. */
const datasource = { type: 'prometheus', uid: '${datasource}' } as const;

const COLUMNS = 24;

/** Rows of panels of the same width, under a title each. */
export interface Section {
  readonly title: string;
  readonly height: number;
  readonly panels: readonly GrafanaPanel[];
}

/** The dashboard as Grafana 10 and later imports it. */
export function grafanaDashboard(
  about: { readonly uid: string; readonly title: string },
  sections: readonly Section[],
) {
  const panels: object[] = [];
  let y = 0;
  for (const { title, height, panels: across } of sections) {
    const w = Math.floor(COLUMNS / across.length);
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    });
    for (const [i, each] of across.entries())
      panels.push({
        id: panels.length + 1,
        type: each.type,
        title: each.title,
        description: each.description,
        datasource,
        gridPos: { x: i * w, y: y + 1, w, h: height },
        fieldConfig: { defaults: { unit: each.unit, min: 0 }, overrides: [] },
        options:
          each.type === 'stat'
            ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } }
            : {
                legend: { displayMode: 'list', placement: 'bottom' },
                tooltip: { mode: 'multi', sort: 'desc' },
              },
        targets: each.queries.map(([expr, legendFormat], q) => ({
          refId: String.fromCharCode(65 + q),
          datasource,
          expr,
          legendFormat,
        })),
      });
    y += height + 1;
  }
  return {
    uid: about.uid,
    title: about.title,
    tags: ['weir'],
    timezone: 'utc',
    schemaVersion: 39,
    version: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        {
          name: 'job',
          type: 'query',
          label: 'Job',
          datasource,
          query: { query: 'label_values(weir_received_total, job)', refId: 'job' },
          definition: 'label_values(weir_received_total, job)',
          refresh: 2,
          multi: true,
          includeAll: true,
        },
      ],
    },
    panels,
  };
}
