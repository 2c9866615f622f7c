import type { Reference, SavedObject } from './saved-object.ts';

/** What the schema of dashboards allows at 8.9; it forbids every other attribute. */
const dashboardAttributes = new Set([
  'title',
  'description',
  'kibanaSavedObjectMeta',
  'timeRestore',
  'timeFrom',
  'timeTo',
  'refreshInterval',
  'controlGroupInput',
  'panelsJSON',
  'optionsJSON',
  'version',
]);

interface GridData {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly i: string;
}

interface PanelShape {
  readonly type: string;
  readonly panelIndex: string;
  readonly gridData: GridData;
  readonly panelRefName?: string;
  readonly embeddableConfig?: { readonly attributes?: LensShape };
}

interface LensShape {
  readonly references: readonly Reference[];
  readonly state: {
    readonly visualization: object;
    readonly datasourceStates: {
      readonly formBased: { readonly layers: Readonly<Record<string, LayerShape>> };
    };
  };
}

interface LayerShape {
  readonly columnOrder: readonly string[];
  readonly columns: Readonly<
    Record<
      string,
      {
        readonly operationType: string;
        readonly sourceField: string;
        readonly isBucketed: boolean;
        readonly params?: { readonly orderBy?: { readonly type: string; readonly columnId: string } };
      }
    >
  >;
}

/** What Kibana would refuse at the import, or show an error for, of the lines of an NDJSON file. Empty when nothing. */
export function problemsOf(lines: readonly string[]): string[] {
  const problems: string[] = [];
  const objects = lines.flatMap((line, i) => {
    const object = parsed(line);
    if (object === null) problems.push(`line ${i + 1}: not an object in JSON`);
    return object === null ? [] : [object as SavedObject];
  });
  const known = new Set<string>();
  for (const { type, id } of objects) {
    const name = `${type}:${id}`;
    if (known.has(name)) problems.push(`${name} is there twice`);
    known.add(name);
  }
  for (const object of objects) {
    const at = `${object.type}:${object.id}`;
    const say = (problem: string): void => void problems.push(`${at}: ${problem}`);
    const { coreMigrationVersion: core, typeMigrationVersion: version } = object;
    if (core !== '8.8.0' || !/^8\.[0-9]\.0$/.test(version))
      say(`version ${core}/${version}, which Kibana 8.9 refuses`);
    const names = new Set<string>();
    for (const { type, id, name } of object.references) {
      if (!known.has(`${type}:${id}`)) say(`refers to ${type}:${id}, which is not there`);
      if (names.has(name)) say(`two references are called ${name}`);
      names.add(name);
    }
    const title = object.attributes['title'];
    if (typeof title !== 'string' || title === '') say('has no title');
    if (object.type !== 'index-pattern') sourceProblems(object, names, say);
    if (object.type === 'dashboard') dashboardProblems(object, names, say);
  }
  return problems;
}

type Say = (problem: string) => void;

function sourceProblems({ attributes }: SavedObject, names: ReadonlySet<string>, say: Say): void {
  const meta = attributes['kibanaSavedObjectMeta'] as { searchSourceJSON?: unknown } | undefined;
  interface Source {
    readonly indexRefName?: string;
    readonly filter?: readonly { readonly meta: { readonly indexRefName?: string } }[];
  }
  const source: Source | null = parsed(meta?.searchSourceJSON);
  if (source === null) return say('searchSourceJSON is no text of JSON');
  for (const name of [source.indexRefName, ...(source.filter ?? []).map(({ meta }) => meta.indexRefName)])
    if (name !== undefined && !names.has(name)) say(`no reference is called ${name}`);
}

function dashboardProblems({ attributes }: SavedObject, names: ReadonlySet<string>, say: Say): void {
  for (const name of Object.keys(attributes))
    if (!dashboardAttributes.has(name)) say(`attribute ${name} is not in the schema of 8.9`);
  if (parsed(attributes['optionsJSON']) === null) say('optionsJSON is no text of JSON');
  if (attributes['timeRestore'] === true && !(attributes['timeFrom'] && attributes['timeTo']))
    say('timeRestore without timeFrom and timeTo');
  const group = attributes['controlGroupInput'] as { panelsJSON?: unknown } | undefined;
  const controls = group === undefined ? {} : parsed(group.panelsJSON);
  if (controls === null) say('controlGroupInput.panelsJSON is no text of JSON');
  for (const id of Object.keys(controls ?? {}))
    if (!names.has(`controlGroup_${id}:optionsListDataView`)) say(`control ${id} has no data view`);
  const panels = parsed(attributes['panelsJSON']) as readonly PanelShape[] | null;
  if (panels === null) return say('panelsJSON is no text of JSON');
  gridProblems(panels, say);
  for (const panel of panels)
    panelProblems(panel, names, (problem) => say(`${panel.panelIndex}: ${problem}`));
}

function gridProblems(panels: readonly PanelShape[], say: Say): void {
  const cells = new Map<string, string>();
  const seen = new Set<string>();
  for (const { panelIndex, gridData } of panels) {
    const { x, y, w, h, i } = gridData;
    if (seen.has(panelIndex)) say(`${panelIndex} is there twice`);
    seen.add(panelIndex);
    if (i !== panelIndex) say(`${panelIndex}: gridData.i is ${i}`);
    if (x < 0 || w < 1 || h < 1 || x + w > 48) say(`${panelIndex} is outside the 48 columns`);
    const hit = new Set<string>();
    for (let row = y; row < y + h; row++)
      for (let column = x; column < x + w; column++) {
        const other = cells.get(`${column},${row}`);
        if (other !== undefined) hit.add(other);
        cells.set(`${column},${row}`, panelIndex);
      }
    for (const other of hit) say(`${panelIndex} lies over ${other}`);
  }
}

function panelProblems(panel: PanelShape, names: ReadonlySet<string>, say: Say): void {
  const { panelIndex, panelRefName, embeddableConfig, type } = panel;
  if (panelRefName !== undefined) {
    if (!names.has(`${panelIndex}:${panelRefName}`))
      say(`no reference is called ${panelIndex}:${panelRefName}`);
    return;
  }
  if (type !== 'lens') return;
  const lens = embeddableConfig?.attributes;
  if (lens === undefined) return say('has no attributes');
  for (const { name } of lens.references)
    if (!names.has(`${panelIndex}:${name}`)) say(`reference ${name} is not one of the dashboard`);
  const shown = JSON.stringify(lens.state.visualization);
  for (const [id, { columns, columnOrder }] of Object.entries(lens.state.datasourceStates.formBased.layers)) {
    if (!lens.references.some(({ name }) => name === `indexpattern-datasource-layer-${id}`))
      say(`layer ${id} has no data view`);
    if (!shown.includes(`"layerId":"${id}"`)) say(`layer ${id} is not shown`);
    if ([...columnOrder].sort().join() !== Object.keys(columns).sort().join())
      say(`columnOrder of layer ${id} names other columns`);
    const buckets = columnOrder.map((column) => columns[column]?.isBucketed === true);
    if (buckets.lastIndexOf(true) > buckets.indexOf(false) && buckets.includes(false))
      say(`layer ${id} has a bucket after a measure`);
    for (const [column, { operationType, sourceField, params }] of Object.entries(columns)) {
      if (!shown.includes(`"${column}"`)) say(`column ${column} is not shown`);
      if (operationType === 'count' && sourceField !== '___records___')
        say(`column ${column} counts ${sourceField}`);
      const { orderBy } = params ?? {};
      if (orderBy?.type === 'column' && !(orderBy.columnId in columns))
        say(`column ${column} is ordered by ${orderBy.columnId}, which is not there`);
    }
  }
}

/** The object or list in a text; null when there is none. */
function parsed(text: unknown): object | null {
  if (typeof text !== 'string') return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
