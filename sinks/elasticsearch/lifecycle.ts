import { ageText } from '../bulk/age.ts';
import type { BulkOptions } from '../bulk-options.ts';
import { _meta, keptMsOf, rolloverMs } from '../bulk/templates.ts';
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
  const keptMs = keptMsOf(stream, keep);
  const warmMs = keep.warmAfter;
  // A phase never comes before the one in front of it.
  const coldMs = Math.max(keep.coldAfter, warmMs);
  const rollover = { max_primary_shard_size: '50gb', max_age: ageText(rolloverMs(stream, keep)) };
  const isCold = coldMs < keptMs;
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
          ...(warmMs < keptMs
            ? {
                warm: {
                  min_age: ageText(warmMs),
                  actions: { forcemerge: { max_num_segments: 1 }, set_priority: { priority: 50 } },
                },
              }
            : {}),
          ...(isCold
            ? { cold: { min_age: ageText(coldMs), actions: { set_priority: { priority: 0 } } } }
            : {}),
          delete: { min_age: ageText(keptMs), actions: { delete: {} } },
        },
      },
    },
    why:
      `${stream}: hot or warm for ${ageText(Math.min(coldMs, keptMs))}${isCold ? ', then cold' : ''}, ` +
      `deleted ${ageText(keptMs)} after ${layout === 'daily' ? 'it was made' : 'it was rolled over'}`,
  };
}
