import { ageText } from '../bulk/age.ts';
import { keptMs } from '../bulk/expiry.ts';
import { placeOf } from '../bulk/place.ts';
import { setupOf, type Setup, type SetupFor, type SetupPlan } from '../bulk/setup.ts';
import { keptMsOf, templates, type TemplateStyle } from '../bulk/templates.ts';
import { connect } from './client.ts';
import { probe, type Features, type Version } from './features.ts';
import { policies, policyOf } from './lifecycle.ts';
import type { Options } from './options.ts';
import { roles, spaces } from './roles.ts';

/** For `weir setup elasticsearch`: templates, lifecycle and rights of what the sink writes into. */
export const setup = (options: Options, about: SetupFor = {}): Setup =>
  setupOf({
    connect: () => connect(options),
    async plan(far, signal) {
      const { version, features } = await probe(far, signal);
      return planOf(version, features, options, about.tenants ?? []);
    },
    place: placeOf(options, about.tenant),
    keep: options.keep,
  });

/** What is put into a cluster that can do this. */
export function planOf(
  version: Version,
  features: Features,
  options: Options,
  tenants: readonly string[],
): SetupPlan {
  const ilm = features.ilm && options.lifecycle !== 'data_stream';
  const ownLifecycle = !ilm && options.lifecycle !== 'ilm' && features.streamLifecycle;
  const style: TemplateStyle = {
    settings: {
      stream: { ...(features.logsdb ? { mode: 'logsdb' } : {}), ...tolerant },
      index: tolerant,
    },
    settingsOf: (stream, layout) => (ilm ? { lifecycle: { name: policyOf(stream, layout) } } : null),
    templateOf: (stream) => ({
      ...(ownLifecycle ? { lifecycle: { data_retention: ageText(keptMsOf(stream, options.keep)) } } : {}),
      ...(features.failureStore ? { data_stream_options: { failure_store: { enabled: true } } } : {}),
    }),
    extra: { allow_auto_create: true, ignore_missing_component_templates: ['weir@custom'] },
    custom: ['weir@custom'],
    labels: 'flattened',
    replicas: options.replicas,
    refreshMs: options.refresh,
  };
  return {
    version: version.number,
    requests: [...(ilm ? policies(options.keep) : []), ...templates(style)],
    roles: roles(tenants),
    spaces: spaces(tenants),
    notices: noticesOf(features, { ilm, ownLifecycle }, options),
  };
}

/** A field that does not fit its type is set aside, not the whole record. */
const tolerant = {
  mapping: {
    ignore_malformed: true,
    total_fields: { limit: 1000, ignore_dynamic_beyond_limit: true },
  },
};

function noticesOf(
  features: Features,
  { ilm, ownLifecycle }: { readonly ilm: boolean; readonly ownLifecycle: boolean },
  options: Options,
): string[] {
  const notices: string[] = [];
  if (options.lifecycle === 'ilm' && !features.ilm)
    notices.push('`lifecycle: ilm` is asked for, and the cluster has no index lifecycle management');
  if (ownLifecycle)
    notices.push(
      'the lifecycle of data streams deletes what is old; it knows no cold phase, so everything stays where it is until then',
    );
  if (!ilm && !ownLifecycle)
    notices.push('the cluster has neither kind of lifecycle: nothing is deleted, watch its disks');
  if (!features.logsdb)
    notices.push('the cluster has no logsdb index mode: indices are about 2.5 times as large');
  if (!features.failureStore)
    notices.push(
      'the cluster has no failure store: records it cannot index go to the dead letter, as they do with one',
    );
  if (options.layout === 'daily' && !ilm)
    notices.push('daily indices have no lifecycle: delete old ones by their name');
  notices.push(
    `weir-alerts and weir-incidents hold current state: what is closed is deleted by the sink after ${ageText(keptMs(options.keep))}`,
  );
  return notices;
}
