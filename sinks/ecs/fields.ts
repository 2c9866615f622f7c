import { agentFields, schemaFields } from './ecs-fields.ts';
import type { EcsField } from './field.ts';
import { ownFields } from './own-fields.ts';

/** Every field that a document may hold, by its name. A name that several kinds write is one field with all of them. */
export const ecsFields: ReadonlyMap<string, EcsField> = merged([
  ...schemaFields,
  ...agentFields,
  ...ownFields,
]);

function merged(fields: readonly EcsField[]): Map<string, EcsField> {
  const byName = new Map<string, EcsField>();
  for (const field of fields) {
    const known = byName.get(field.name);
    if (known && known.type !== field.type) throw new TypeError(`${field.name} has two types`);
    byName.set(
      field.name,
      known
        ? {
            ...known,
            kinds: [...known.kinds, ...field.kinds],
            isList: known.isList || field.isList,
            holds: `${known.holds} ${field.holds}`,
          }
        : field,
    );
  }
  return byName;
}
