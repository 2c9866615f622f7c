import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, sum, top } from '../../dashboards/kibana/columns.ts';
import { dashboard } from '../../dashboards/kibana/dashboard.ts';
import { savedObjects } from '../../dashboards/kibana/objects.ts';
import { metric, table } from '../../dashboards/kibana/panels.ts';
import { everything, placeOfSinks } from '../../dashboards/kibana/place.ts';
import { detectionRules } from '../../dashboards/kibana/rules.ts';
import type { SavedObject } from '../../dashboards/kibana/saved-object.ts';
import { flows, losses } from '../../dashboards/kibana/subject.ts';
import { problemsOf } from '../../dashboards/kibana/validate.ts';
import { mappings } from '../../sinks/ecs/mappings.ts';
import { compileQuery } from '../../query/index.ts';
import { read } from '../repo/tree.ts';
import { fieldsNamedIn } from './named.ts';

const linesOf = (path: string): string[] => read(path).split('\n').filter(Boolean);
const objects = linesOf('dashboards/kibana/weir.ndjson').map((line) => JSON.parse(line) as SavedObject);
const rules = linesOf('dashboards/kibana/rules.ndjson').map(
  (line) => JSON.parse(line) as Record<string, unknown>,
);

interface Mapping {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Mapping>>;
}

/** Type of a field in the component template; null when it is not there. */
function mapped(name: string): string | null {
  let at: Mapping | undefined = mappings;
  for (const part of name.split('.')) at = at?.properties?.[part];
  return at?.type ?? null;
}

test('kibana: the files are such as an import of 8.9 and later takes', () => {
  assert.deepEqual(problemsOf(linesOf('dashboards/kibana/weir.ndjson')), []);
  const titles = objects
    .filter(({ type }) => type === 'dashboard')
    .map(({ attributes }) => attributes['title']);
  assert.deepEqual(titles, [
    '[Weir] Overview',
    '[Weir] Denied traffic',
    '[Weir] Who talked to whom',
    '[Weir] Alerts and incidents',
    '[Weir] Health and losses',
  ]);
});

test('kibana: every field that an object or a rule names is in the templates', () => {
  const named = new Set(fieldsNamedIn([objects, rules]));
  assert.ok(named.size > 50, `${named.size} fields were found`);
  assert.deepEqual(
    [...named].filter((name) => mapped(name) === null),
    [],
  );
});

test('kibana: what is counted by its values is no text', () => {
  interface Found {
    readonly operationType?: string;
    readonly sourceField?: string;
  }
  const lensColumns = (value: unknown): Found[] => {
    if (typeof value === 'string' && value.startsWith('[{')) return lensColumns(JSON.parse(value));
    if (Array.isArray(value)) return value.flatMap(lensColumns);
    if (typeof value !== 'object' || value === null) return [];
    return [
      ...('operationType' in value ? [value as Found] : []),
      ...Object.values(value).flatMap(lensColumns),
    ];
  };
  const columns = lensColumns(objects.map(({ attributes }) => attributes));
  assert.ok(columns.length > 80);
  for (const { operationType, sourceField } of columns)
    if (operationType === 'terms' || operationType === 'unique_count')
      assert.notEqual(mapped(sourceField!), 'match_only_text', sourceField);
});

test('kibana: each dashboard has the filter of a compliance scope, and a control for it', () => {
  for (const { type, id, attributes } of objects.filter((each) => each.type === 'dashboard')) {
    const source = JSON.parse(
      (attributes['kibanaSavedObjectMeta'] as { searchSourceJSON: string }).searchSourceJSON,
    ) as { filter: { meta: { key: string; disabled: boolean } }[] };
    assert.deepEqual(
      source.filter.map(({ meta }) => [meta.key, meta.disabled]),
      [['weir.scopes', true]],
      `${type} ${id}`,
    );
    const group = attributes['controlGroupInput'] as { panelsJSON: string };
    assert.ok(fieldsNamedIn(JSON.parse(group.panelsJSON)).includes('weir.scopes'), id);
  }
});

test('kibana: links between dashboards lead to dashboards of the same space', () => {
  const place = placeOfSinks([{ layout: 'data_stream', namespace: 'payments', stateSuffix: '-payments' }], {
    space: 'weir-payments',
    suffix: 'payments',
  });
  const made = savedObjects(place);
  const ids = new Set(made.map(({ id }) => id));
  for (const id of ids) assert.match(id, /-payments$/);
  const links = [...JSON.stringify(made).matchAll(/#\/view\/([\w-]+)/g)].map(([, id]) => id!);
  assert.ok(links.length >= 20);
  for (const id of links) assert.ok(ids.has(id), id);
  const titles = made
    .filter(({ type }) => type === 'index-pattern')
    .map(({ attributes }) => attributes['title']);
  assert.deepEqual(titles, ['logs-weir.*-payments', 'weir-alerts-payments', 'weir-incidents-payments']);
});

test('kibana: two sinks of one cluster are two patterns, one of daily indices is a pattern for each stream', () => {
  const place = placeOfSinks(
    [
      { layout: 'data_stream', namespace: 'a', stateSuffix: '' },
      { layout: 'daily', namespace: 'b', stateSuffix: '' },
    ],
    { space: 'default', suffix: '' },
  );
  assert.equal(place.alerts, 'weir-alerts');
  assert.match(place.events(), /^logs-weir\.\*-a,weir-flow-b-\*,weir-flow_kept-b-\*,/);
  assert.ok(!place.events().includes('weir-*'), 'current state is no event');
  assert.equal(place.events('alert'), 'logs-weir.alert-a,weir-alert-b-*');
});

test('kibana: rules on alerts tell of what was opened or escalated, and of nothing that is hidden or old', () => {
  const ofAlerts = rules.filter(({ rule_id: id }) => String(id).startsWith('weir-rule-alert-'));
  assert.equal(ofAlerts.length, 4);
  for (const { query } of ofAlerts) {
    // The same question in the words of the records, which can be put to an alert here.
    const matches = compileQuery(
      'alert',
      String(query)
        .replace('weir.kind : "alert" and ', '')
        .replaceAll('weir.alert.action', 'action')
        .replaceAll('weir.alert.severity', 'severity')
        .replaceAll('weir.alert.detector', 'detector')
        .replaceAll('weir.alert.historical', 'historical')
        .replaceAll('weir.alert.suppressed_by', 'suppressedBy'),
    );
    const severity = /severity : "(\w+)"/.exec(String(query))![1]!;
    for (const action of ['opened', 'updated', 'escalated', 'closed'] as const)
      for (const historical of [false, true])
        for (const suppressedBy of [null, 'a'])
          assert.equal(
            matches({ action, severity, historical, suppressedBy, detector: 'port_scan' } as never),
            (action === 'opened' || action === 'escalated') && !historical && suppressedBy === null,
            `${action} ${historical} ${suppressedBy}`,
          );
  }
});

test('kibana: rules come switched off, with an id and an index of our own', () => {
  const ids = rules.map(({ rule_id: id }) => String(id));
  assert.equal(new Set(ids).size, ids.length);
  for (const rule of rules) {
    assert.equal(rule['enabled'], false);
    for (const index of rule['index'] as string[]) assert.match(index, /^logs-weir\.[a-z_]+-\*$/);
  }
  assert.deepEqual(
    detectionRules(everything).map(({ rule_id: id }) => id),
    ids,
  );
});

test('kibana: a field that records of the kind do not have is refused when it is built', () => {
  assert.throws(
    () => metric({ title: 't', of: flows, where: 'weir.alert.count > 1' }, count('n')),
    /kind flow/,
  );
  assert.throws(
    () => table({ title: 't', of: losses, by: [top('source.ip', 'a')] }, count('n')),
    /kind loss/,
  );
  assert.throws(() => metric({ title: 't', of: flows }, sum('weir.verdict', 'n')), /sum of a keyword/);
  assert.throws(() => table({ title: 't', of: losses, by: [top('message', 'a')] }, count('n')), /text/);
  assert.throws(() => table({ title: 't', of: losses, by: [] }), /nothing is measured/);
});

test('kibana: a row that is not as wide as the page is refused', () => {
  const page = {
    name: 'n',
    title: 't',
    description: '',
    rows: [{ height: 3, panels: [[47, metric({ title: 't', of: flows }, count('n'))]] as const }],
  };
  assert.throws(() => dashboard(page, everything), /47 columns/);
});

test('kibana: the validator finds what an import would refuse', () => {
  const [line] = linesOf('dashboards/kibana/weir.ndjson').filter((each) =>
    each.includes('"type":"dashboard"'),
  );
  const broken = (change: (object: { [key: string]: never }) => void): string[] => {
    const all = linesOf('dashboards/kibana/weir.ndjson').filter((each) => each !== line);
    const object = JSON.parse(line!) as { [key: string]: never };
    change(object);
    return problemsOf([...all, JSON.stringify(object)]);
  };
  type Attributes = Record<string, unknown> & { panelsJSON: string };
  const attributes = (object: unknown): Attributes => (object as { attributes: Attributes }).attributes;
  const panels = (change: (panels: Record<string, never>[]) => void) => (object: unknown) => {
    const list = JSON.parse(attributes(object).panelsJSON) as Record<string, never>[];
    change(list);
    attributes(object).panelsJSON = JSON.stringify(list);
  };
  const cases: readonly (readonly [(object: { [key: string]: never }) => void, RegExp])[] = [
    [() => {}, /^$/],
    [(object) => Object.assign(object, { typeMigrationVersion: '10.3.0' }), /which Kibana 8\.9 refuses/],
    [(object) => Object.assign(attributes(object), { sections: [] }), /sections is not in the schema/],
    [(object) => Object.assign(attributes(object), { panelsJSON: [] }), /panelsJSON is no text/],
    [(object) => Object.assign(object, { references: [] }), /no reference is called/],
    [panels((list) => Object.assign(list[2]!['gridData']!, { x: 0 })), /p3 lies over p2/],
    [panels((list) => Object.assign(list[1]!['gridData']!, { w: 60 })), /outside the 48 columns/],
    [panels((list) => Object.assign(list[1]!, { panelIndex: 'other' })), /gridData\.i is p2/],
  ];
  for (const [change, expected] of cases) assert.match(broken(change).join('\n'), expected);
  assert.match(problemsOf(['{', line!]).join('\n'), /line 1: not an object[\s\S]*which is not there/);
});
