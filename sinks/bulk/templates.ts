import type { BulkOptions } from '../bulk-options.ts';
import { mappings } from '../ecs/mappings.ts';
import { datasetOf, eventStreams, stateIndices, type EventStream } from '../ecs/streams.ts';
import type { SetupRequest } from './setup.ts';

/** Above the 100 of the built-in `logs` template, which has the same pattern. */
export const PRIORITY = 200;
export const _meta = { managed_by: 'weir' };
const DAY_MS = 86_400_000;

/** What the templates of a product and a cluster differ in. */
export interface TemplateStyle {
  /** Settings of data streams, and of ordinary indices. */
  readonly settings: { readonly stream: object; readonly index: object };
  /** More settings of the indices of one stream, such as its lifecycle policy. */
  settingsOf(stream: EventStream, layout: BulkOptions['layout']): object | null;
  /** More keys of the `template` of one data stream. */
  templateOf(stream: EventStream): object;
  /** More keys of each index template. */
  readonly extra: object;
  /** Component templates after Weir's own, such as `weir@custom`. */
  readonly custom: readonly string[];
  /** Type that stands for `flattened`. */
  readonly labels: string;
  readonly replicas: number | undefined;
  readonly refreshMs: number;
}

/** How long a stream is kept, milliseconds. */
export function keptMsOf(stream: EventStream, keep: BulkOptions['keep']): number {
  const names = {
    flow: 'flow',
    flow_kept: 'flowKept',
    alert: 'alert',
    policy_change: 'policyChange',
    loss: 'loss',
    access: 'access',
  } as const;
  return keep[names[stream]];
}

/** Most age of an index that is written. Flows are many; of the others a month is little. */
export function rolloverMs(stream: EventStream, keep: BulkOptions['keep']): number {
  const days = stream === 'flow' ? 1 : stream === 'flow_kept' ? 7 : 30;
  return Math.min(days * DAY_MS, keptMsOf(stream, keep));
}

/** Component and index templates, in the order in which they have to be put. */
export function templates(style: TemplateStyle): SetupRequest[] {
  return [
    component(
      'weir@mappings',
      { template: { mappings: typed(mappings, style.labels) }, _meta },
      'types of all fields',
    ),
    component(
      'weir@settings',
      { template: { settings: settings(style.settings.stream, style) }, _meta },
      'settings of events',
    ),
    component(
      'weir@state',
      { template: { settings: settings(style.settings.index, style) }, _meta },
      'settings of current state',
    ),
    ...Object.entries(stateIndices).map(([kind, index]) => stateTemplate(kind, index, style)),
    ...eventStreams.flatMap((stream) => [dailyTemplate(stream, style), streamTemplate(stream, style)]),
  ];
}

const component = (name: string, body: SetupRequest['body'], why: string): SetupRequest => ({
  method: 'PUT',
  path: `/_component_template/${name}`,
  body,
  why,
});

function stateTemplate(kind: string, index: string, style: TemplateStyle): SetupRequest {
  return {
    method: 'PUT',
    path: `/_index_template/${index}`,
    body: {
      index_patterns: [index, `${index}-*`],
      priority: PRIORITY,
      composed_of: ['weir@state', 'weir@mappings', ...style.custom],
      ...style.extra,
      _meta,
    },
    why: `current state of every ${kind}, one document each`,
  };
}

function streamTemplate(stream: EventStream, style: TemplateStyle): SetupRequest {
  const dataset = datasetOf(stream);
  const more = style.settingsOf(stream, 'data_stream');
  const constant = (value?: string): object => ({
    type: 'constant_keyword',
    ...(value === undefined ? {} : { value }),
  });
  return {
    method: 'PUT',
    path: `/_index_template/weir-${stream}`,
    body: {
      index_patterns: [`logs-${dataset}-*`],
      priority: PRIORITY,
      data_stream: {},
      composed_of: ['weir@settings', 'weir@mappings', ...style.custom],
      ...style.extra,
      template: {
        ...(more === null ? {} : { settings: { index: more } }),
        mappings: {
          properties: {
            data_stream: {
              properties: {
                type: constant('logs'),
                dataset: constant(dataset),
                // Takes the value of the first document; OpenSearch wants it beforehand.
                namespace: style.labels === 'flattened' ? constant() : { type: 'keyword' },
              },
            },
          },
        },
        ...style.templateOf(stream),
      },
      _meta,
    },
    why: `data streams logs-${dataset}-*`,
  };
}

function dailyTemplate(stream: EventStream, style: TemplateStyle): SetupRequest {
  const more = style.settingsOf(stream, 'daily');
  return {
    method: 'PUT',
    path: `/_index_template/weir-${stream}-daily`,
    body: {
      index_patterns: [`weir-${stream}-*`],
      priority: PRIORITY,
      composed_of: ['weir@state', 'weir@mappings', ...style.custom],
      ...style.extra,
      ...(more === null ? {} : { template: { settings: { index: more } } }),
      _meta,
    },
    why: `daily indices weir-${stream}-*, for \`layout: daily\``,
  };
}

const settings = (own: object, { replicas, refreshMs }: TemplateStyle): object => ({
  index: {
    ...own,
    ...(replicas === undefined ? {} : { number_of_replicas: replicas }),
    codec: 'best_compression',
    refresh_interval: refreshMs % 1000 === 0 ? `${refreshMs / 1000}s` : `${refreshMs}ms`,
  },
});

/** The mappings with another type for labels. */
function typed<T>(value: T, labels: string): T {
  if (labels === 'flattened') return value;
  if (Array.isArray(value)) return value.map((one: unknown) => typed(one, labels)) as T;
  if (typeof value !== 'object' || value === null) return value;
  if ((value as { type?: unknown }).type === 'flattened') return { type: labels } as T;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) => [key, typed(inner, labels)]),
  ) as T;
}
