import { agentFields, schemaFields } from '../../sinks/ecs/ecs-fields.ts';
import { ecsFields } from '../../sinks/ecs/fields.ts';
import type { EcsField } from '../../sinks/ecs/field.ts';
import { ownFields } from '../../sinks/ecs/own-fields.ts';
import { ecsKinds } from '../../sinks/ecs/streams.ts';
import { generatedBy, table } from './markdown.ts';

/** docs/reference/ecs.md: the fields of every ECS document, from sinks/ecs/. */
export function ecs(): string {
  return [
    generatedBy('sinks/ecs/'),
    '# Fields of ECS documents\n',
    'What Elasticsearch, OpenSearch and `ecs-json` over syslog are given: [records](records.md) by the names of the Elastic',
    'Common Schema where it has one, and by names under `weir` where it has none. `source` is the initiator of a connection',
    'and `destination` the responder; who these are in Kubernetes is in `weir.source` and `weir.destination`, because ECS can',
    'say that of one party only. `rule` is the policy on flows and changes, the detector on alerts; `weir.policy` is the',
    'policy on all of them. A field that is not known is not there. Filter by `weir.kind`, not by `event.dataset`: flows are',
    'in two data streams, those of a compliance scope and denied ones in `weir.flow_kept`.\n',
    section('Elastic Common Schema', schemaFields),
    section('Kubernetes, as the agents of Elastic write it', agentFields),
    section('Weir', ownFields),
  ].join('\n');
}

function section(title: string, fields: readonly EcsField[]): string {
  const names = [...new Set(fields.map(({ name }) => name))].sort();
  const rows = names.map((name) => {
    const { type, isList, kinds, holds } = ecsFields.get(name)!;
    const of =
      kinds.length === ecsKinds.length ? 'all' : ecsKinds.filter((kind) => kinds.includes(kind)).join(', ');
    return [`\`${name}\``, `${type}${isList ? ', list' : ''}`, of, holds];
  });
  return `## ${title}\n\n${table(['field', 'type', 'of', 'what it holds'], rows)}\n`;
}
