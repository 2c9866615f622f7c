import { ageText } from '../bulk/age.ts';
import { requestError, statusOf } from '../bulk/errors.ts';
import { keptMs } from '../bulk/expiry.ts';
import type { Far } from '../bulk/far.ts';
import { placeOf } from '../bulk/place.ts';
import {
  answer,
  oldestNode,
  setupOf,
  type Setup,
  type SetupFor,
  type SetupPlan,
  type SetupRequest,
} from '../bulk/setup.ts';
import { keptMsOf, PRIORITY, rolloverMs, templates, type TemplateStyle } from '../bulk/templates.ts';
import { datasetOf, eventStreams, type EventStream } from '../ecs/streams.ts';
import { connect } from './client.ts';
import type { Options } from './options.ts';
import { dashboardTenants, roles } from './roles.ts';

/** What the cluster can do; the templates use what is there. */
export interface Features {
  /** Index state management, a plugin that most distributions have. */
  readonly ism: boolean;
  /** There is a component template `weir@custom`; OpenSearch refuses to compose of one that is missing. */
  readonly custom: boolean;
}

/** For `weir setup opensearch`: templates, lifecycle and rights of what the sink writes into. */
export const setup = (options: Options, about: SetupFor = {}): Setup =>
  setupOf({
    connect: () => connect(options),
    async plan(far, signal) {
      const tenants = about.tenants ?? [];
      const version = await versionOf(far, signal);
      const policies = await answer(far, { method: 'GET', path: '/_plugins/_ism/policies' }, signal);
      const custom = await answer(far, { method: 'GET', path: '/_component_template/weir@custom' }, signal);
      const plan = planOf(version, { ism: policies !== null, custom: custom !== null }, options, tenants);
      return {
        ...plan,
        requests: await Promise.all(plan.requests.map((one) => overwriting(far, one, signal))),
      };
    },
    place: placeOf(options, about.tenant),
    keep: options.keep,
  });

export function planOf(
  version: string | null,
  features: Features,
  options: Options,
  tenants: readonly string[],
): SetupPlan {
  const style: TemplateStyle = {
    settings: { stream: tolerant, index: tolerant },
    settingsOf: () => null,
    templateOf: () => ({}),
    extra: {},
    custom: features.custom ? ['weir@custom'] : [],
    labels: 'flat_object',
    replicas: options.replicas,
    refreshMs: options.refresh,
  };
  const notices: string[] = [];
  if (!features.ism)
    notices.push('the cluster has no index state management: nothing is deleted, watch its disks');
  if (!features.custom)
    notices.push(
      'settings of your own go into a component template `weir@custom`; run this again once it is there',
    );
  notices.push(
    `weir-alerts and weir-incidents hold current state: what is closed is deleted by the sink after ${ageText(keptMs(options.keep))}`,
  );
  return {
    version,
    requests: [
      ...(features.ism ? eventStreams.map((stream) => policy(stream, options.keep)) : []),
      ...templates(style),
    ],
    roles: [...roles(tenants), ...dashboardTenants(tenants)],
    spaces: [],
    notices,
  };
}

/** A field that does not fit its type is set aside, not the whole record. */
const tolerant = { mapping: { ignore_malformed: true, total_fields: { limit: 1000 } } };

/** A policy of index state management, which finds its data streams and daily indices by their names. */
function policy(stream: EventStream, keep: Options['keep']): SetupRequest {
  const kept = ageText(keptMsOf(stream, keep));
  return {
    method: 'PUT',
    path: `/_plugins/_ism/policies/weir-${stream}`,
    body: {
      policy: {
        description: `Weir: ${stream}`,
        default_state: 'hot',
        states: [
          {
            name: 'hot',
            actions: [{ rollover: { min_size: '50gb', min_index_age: ageText(rolloverMs(stream, keep)) } }],
            transitions: [{ state_name: 'delete', conditions: { min_rollover_age: kept } }],
          },
          { name: 'delete', actions: [{ delete: {} }], transitions: [] },
        ],
        ism_template: [{ index_patterns: [`logs-${datasetOf(stream)}-*`], priority: PRIORITY }],
      },
    },
    why: `${stream}: deleted ${kept} after it was rolled over`,
  };
}

/** A policy that is there already is overwritten only by whoever names the version that is. */
async function overwriting(far: Far, request: SetupRequest, signal: AbortSignal): Promise<SetupRequest> {
  if (!request.path.startsWith('/_plugins/_ism/')) return request;
  const there = await answer<{ _seq_no: number; _primary_term: number }>(
    far,
    { method: 'GET', path: request.path },
    signal,
  );
  if (there === null) return request;
  return {
    ...request,
    querystring: { if_seq_no: String(there._seq_no), if_primary_term: String(there._primary_term) },
  };
}

async function versionOf(far: Far, signal: AbortSignal): Promise<string | null> {
  try {
    return (await far.request<{ version: { number: string } }>({ method: 'GET', path: '/' }, signal)).version
      .number;
  } catch (error) {
    const status = statusOf(error);
    if (status === null || ![403, 404, 405].includes(status))
      throw requestError(error, 'cannot reach OpenSearch');
  }
  return oldestNode(far, signal);
}
