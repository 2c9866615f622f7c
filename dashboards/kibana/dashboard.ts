import { fieldOf } from './subject.ts';
import type { Panel } from './panels.ts';
import { idOf, viewId, type Place } from './place.ts';
import { savedObject, type Reference, type SavedObject } from './saved-object.ts';

/** Panels side by side: width of each in columns, 48 in all. */
export interface Row {
  readonly height: number;
  readonly panels: readonly (readonly [width: number, panel: Panel])[];
}

export interface Page {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

/** Columns of the grid of a dashboard. */
export const GRID = 48;

/** What people choose from above every dashboard; the first is what an auditor asks for. */
const controls = [
  ['weir.scopes', 'Compliance scope'],
  ['weir.tenants', 'Tenant'],
  ['orchestrator.cluster.name', 'Cluster'],
  ['kubernetes.namespace', 'Namespace'],
] as const;

/** Lays the rows below each other and writes everything as Kibana 8.9 wants it. */
export function dashboard(page: Page, place: Place): SavedObject {
  const panels: object[] = [];
  const references: Reference[] = [];
  let y = 0;
  for (const { height, panels: across } of page.rows) {
    let x = 0;
    for (const [width, panel] of across) {
      const panelIndex = `p${panels.length + 1}`;
      const { references: own, title, ...built } = panel(place, panelIndex);
      panels.push({
        ...built,
        panelIndex,
        gridData: { x, y, w: width, h: height, i: panelIndex },
        ...(title === '' ? {} : { title }),
      });
      for (const reference of own) references.push({ ...reference, name: `${panelIndex}:${reference.name}` });
      x += width;
    }
    if (x !== GRID) throw new RangeError(`${page.name}: a row is ${x} columns wide, expected ${GRID}`);
    y += height;
  }
  const filter = scopeFilter(place);
  const group = controlGroup(place);
  return savedObject({
    type: 'dashboard',
    id: idOf(page.name, place),
    references: [...references, ...filter.references, ...group.references],
    attributes: {
      title: `[Weir] ${page.title}`,
      description: page.description,
      version: 1,
      timeRestore: true,
      timeFrom: 'now-24h',
      timeTo: 'now',
      refreshInterval: { pause: true, value: 60_000 },
      optionsJSON: JSON.stringify({
        useMargins: true,
        syncColors: false,
        syncCursor: true,
        syncTooltips: false,
        hidePanelTitles: false,
      }),
      panelsJSON: JSON.stringify(panels),
      controlGroupInput: group.input,
      kibanaSavedObjectMeta: {
        searchSourceJSON: JSON.stringify({
          query: { language: 'kuery', query: '' },
          filter: [filter.filter],
        }),
      },
    },
  });
}

/** Shows only what a compliance scope touches. It is off until somebody switches it on. */
function scopeFilter(place: Place): { filter: object; references: Reference[] } {
  const name = 'kibanaSavedObjectMeta.searchSourceJSON.filter[0].meta.index';
  const { name: field } = fieldOf('weir.scopes', 'flow');
  return {
    references: [{ type: 'index-pattern', id: viewId('events', place), name }],
    filter: {
      $state: { store: 'appState' },
      meta: {
        alias: 'In a compliance scope',
        disabled: true,
        negate: false,
        type: 'exists',
        key: field,
        field,
        value: 'exists',
        indexRefName: name,
      },
      query: { exists: { field } },
    },
  };
}

function controlGroup(place: Place): { input: object; references: Reference[] } {
  const panels: Record<string, object> = {};
  const references: Reference[] = [];
  for (const [order, [name, title]] of controls.entries()) {
    const id = `c${order + 1}`;
    const fieldName = fieldOf(name, 'flow').name;
    panels[id] = {
      type: 'optionsListControl',
      order,
      width: 'medium',
      grow: true,
      explicitInput: { id, fieldName, title, selectedOptions: [], enhancements: {} },
    };
    references.push({
      type: 'index-pattern',
      id: viewId('events', place),
      name: `controlGroup_${id}:optionsListDataView`,
    });
  }
  return {
    references,
    input: {
      controlStyle: 'oneLine',
      chainingSystem: 'HIERARCHICAL',
      ignoreParentSettingsJSON: JSON.stringify({
        ignoreFilters: false,
        ignoreQuery: false,
        ignoreTimerange: false,
        ignoreValidations: false,
      }),
      panelsJSON: JSON.stringify(panels),
    },
  };
}
