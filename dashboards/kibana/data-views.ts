import { ecsFields } from '../../sinks/ecs/fields.ts';
import { viewId, views, type Place, type View } from './place.ts';
import { savedObject, type SavedObject } from './saved-object.ts';

const names: Readonly<Record<View, string>> = {
  events: 'Weir: flows, alerts, policy changes, losses, access',
  alerts: 'Weir: current state of alerts',
  incidents: 'Weir: current state of incidents',
};

/** How fields are shown that are not what they look like. */
const formats: Readonly<Record<string, object>> = {
  'event.url': { id: 'url' },
  'event.reference': { id: 'url' },
  'source.bytes': { id: 'bytes' },
  'destination.bytes': { id: 'bytes' },
  'network.bytes': { id: 'bytes' },
  // A port is a name, not an amount.
  'source.port': { id: 'string' },
  'destination.port': { id: 'string' },
  'weir.alert.ports': { id: 'string' },
};

export function dataViews(place: Place): SavedObject[] {
  for (const name of Object.keys(formats))
    if (!ecsFields.has(name)) throw new TypeError(`${name}: no ECS document has this field`);
  return views.map((view) =>
    savedObject({
      type: 'index-pattern',
      id: viewId(view, place),
      references: [],
      attributes: {
        title: view === 'events' ? place.events() : place[view],
        name: names[view],
        timeFieldName: '@timestamp',
        // A tenant may have no incident yet.
        allowNoIndex: true,
        fieldFormatMap: JSON.stringify(formats),
      },
    }),
  );
}
