import { mappings } from '../ecs/mappings.ts';
import { eventStreams, stateIndices, type EventStream } from '../ecs/streams.ts';

/** What the cluster can do; the templates use what is there. */
export interface Features {
  /** `index.mode: logsdb`: generally available from 8.17. */
  readonly logsdb: boolean;
  /** Index lifecycle management; not on serverless. */
  readonly ilm: boolean;
  /** Data stream lifecycle: generally available from 8.14. */
  readonly streamLifecycle: boolean;
  /** `data_stream_options.failure_store`: from 8.19 and 9.1. */
  readonly failureStore: boolean;
}

export interface TemplateOptions {
  /** Days after which flows and other events are deleted. */
  readonly retentionDays: number;
  readonly replicas: number | null;
}

/** One request to the cluster, for a person to read before it is made. */
export interface SetupRequest {
  readonly method: 'PUT';
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly why: string;
}

/** Above the 100 of the built-in `logs` template, which has the same pattern. */
const PRIORITY = 200;
const POLICY = 'weir-logs';
const _meta = { managed_by: 'weir' };

/** Everything `weir setup elasticsearch` puts into a cluster, in the order in which it has to be put. */
export function setupRequests(features: Features, options: TemplateOptions): SetupRequest[] {
  const requests: SetupRequest[] = [];
  if (features.ilm)
    requests.push({
      method: 'PUT',
      path: `/_ilm/policy/${POLICY}`,
      body: lifecycle(options.retentionDays),
      why: `roll over at 50 GB or 7 days, delete after ${options.retentionDays} days`,
    });
  requests.push(
    component('weir@mappings', { template: { mappings }, _meta }, 'types of all fields'),
    component(
      'weir@settings',
      { template: { settings: settings(features, options, true) }, _meta },
      'settings of events',
    ),
    component(
      'weir@state',
      { template: { settings: settings(features, options, false) }, _meta },
      'settings of current state',
    ),
  );
  for (const kind of eventStreams) {
    requests.push(streamTemplate(kind, features, options), dailyTemplate(kind));
  }
  for (const [kind, index] of Object.entries(stateIndices)) {
    requests.push({
      method: 'PUT',
      path: `/_index_template/${index}`,
      body: {
        index_patterns: [index],
        priority: PRIORITY,
        composed_of: ['weir@state', 'weir@mappings', 'weir@custom'],
        ignore_missing_component_templates: ['weir@custom'],
        _meta,
      },
      why: `current state of every ${kind}, one document each`,
    });
  }
  return requests;
}

const component = (name: string, body: SetupRequest['body'], why: string): SetupRequest => ({
  method: 'PUT',
  path: `/_component_template/${name}`,
  body,
  why,
});

function streamTemplate(kind: EventStream, features: Features, options: TemplateOptions): SetupRequest {
  const dataset = `weir.${kind}`;
  const template: Record<string, unknown> = {
    mappings: {
      properties: {
        data_stream: {
          properties: {
            type: { type: 'constant_keyword', value: 'logs' },
            dataset: { type: 'constant_keyword', value: dataset },
            namespace: { type: 'constant_keyword' },
          },
        },
      },
    },
  };
  if (!features.ilm && features.streamLifecycle)
    template['lifecycle'] = { data_retention: `${options.retentionDays}d` };
  if (features.failureStore) template['data_stream_options'] = { failure_store: { enabled: true } };
  return {
    method: 'PUT',
    path: `/_index_template/weir-${kind}`,
    body: {
      index_patterns: [`logs-${dataset}-*`],
      priority: PRIORITY,
      data_stream: {},
      allow_auto_create: true,
      composed_of: ['weir@settings', 'weir@mappings', 'weir@custom'],
      ignore_missing_component_templates: ['weir@custom'],
      template,
      _meta,
    },
    why: `data streams logs-${dataset}-*`,
  };
}

function dailyTemplate(kind: EventStream): SetupRequest {
  return {
    method: 'PUT',
    path: `/_index_template/weir-${kind}-daily`,
    body: {
      index_patterns: [`weir-${kind}-*`],
      priority: PRIORITY,
      allow_auto_create: true,
      composed_of: ['weir@state', 'weir@mappings', 'weir@custom'],
      ignore_missing_component_templates: ['weir@custom'],
      _meta,
    },
    why: `daily indices weir-${kind}-*, for \`layout: daily\``,
  };
}

function settings(features: Features, options: TemplateOptions, isStream: boolean): Record<string, unknown> {
  return {
    index: {
      ...(isStream && features.logsdb ? { mode: 'logsdb' } : {}),
      ...(isStream && features.ilm ? { lifecycle: { name: POLICY } } : {}),
      ...(options.replicas === null ? {} : { number_of_replicas: options.replicas }),
      codec: 'best_compression',
      refresh_interval: isStream ? '10s' : '5s',
      mapping: {
        // A field that does not fit its type is set aside, not the whole record.
        ignore_malformed: true,
        total_fields: { limit: 1000, ignore_dynamic_beyond_limit: true },
      },
    },
  };
}

const lifecycle = (retentionDays: number): SetupRequest['body'] => ({
  policy: {
    _meta,
    phases: {
      hot: {
        actions: {
          rollover: { max_primary_shard_size: '50gb', max_age: '7d' },
          set_priority: { priority: 100 },
        },
      },
      warm: {
        min_age: '2d',
        actions: { forcemerge: { max_num_segments: 1 }, set_priority: { priority: 50 } },
      },
      delete: { min_age: `${retentionDays}d`, actions: { delete: {} } },
    },
  },
});
