import type { BulkOptions } from '../bulk-options.ts';
import { _meta, daysOf, inDays, rolloverDays } from '../bulk/templates.ts';
import type { SetupRequest } from '../bulk/setup.ts';
import { eventStreams, type EventStream } from '../ecs/streams.ts';

/** Daily indices are not rolled over, and their age is counted from the day they were made. */
export const policyOf = (stream: EventStream, layout: BulkOptions['layout']): string =>
  layout === 'daily' ? `weir-${stream}-daily` : `weir-${stream}`;

/** A policy of index lifecycle management for each stream, and one for its daily indices. */
export const policies = (keep: BulkOptions['keep']): SetupRequest[] =>
  eventStreams.flatMap((stream) =>
    (['data_stream', 'daily'] as const).map((layout) => policy(stream, layout, keep)),
  );

function policy(stream: EventStream, layout: BulkOptions['layout'], keep: BulkOptions['keep']): SetupRequest {
  const days = daysOf(stream, keep);
  const warm = inDays(keep.warmAfter);
  const cold = Math.max(inDays(keep.coldAfter), warm + 1);
  const rollover = { max_primary_shard_size: '50gb', max_age: `${Math.min(rolloverDays(stream), days)}d` };
  const isCold = cold < days;
  return {
    method: 'PUT',
    path: `/_ilm/policy/${policyOf(stream, layout)}`,
    body: {
      policy: {
        _meta,
        phases: {
          hot: {
            actions: {
              ...(layout === 'data_stream' ? { rollover } : {}),
              set_priority: { priority: 100 },
            },
          },
          ...(warm < days
            ? {
                warm: {
                  min_age: `${warm}d`,
                  actions: { forcemerge: { max_num_segments: 1 }, set_priority: { priority: 50 } },
                },
              }
            : {}),
          ...(isCold ? { cold: { min_age: `${cold}d`, actions: { set_priority: { priority: 0 } } } } : {}),
          delete: { min_age: `${days}d`, actions: { delete: {} } },
        },
      },
    },
    why:
      `${stream}: hot or warm for ${Math.min(cold, days)} days${isCold ? ', then cold' : ''}, ` +
      `deleted ${days} days after ${layout === 'daily' ? 'it was made' : 'it was rolled over'}`,
  };
}
