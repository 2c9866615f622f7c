import type { Layout } from '../../sinks/bulk/operations.ts';
import { eventsIn, stateIn } from '../../sinks/bulk/place.ts';
import { eventStreams, type EventStream } from '../../sinks/ecs/streams.ts';

/** A space of Kibana, and the indices that its people look into. */
export interface Place {
  /** Id of the space. */
  readonly space: string;
  /**
   * End of the ids of all objects; empty in the space that everything is shown in. Kibana knows an id once over all of
   * its spaces, and would give the second object another one, which no link then finds.
   */
  readonly suffix: string;
  /** Index pattern of events: of one stream, or of all. */
  readonly events: (stream?: EventStream) => string;
  /** Index patterns of current state. */
  readonly alerts: string;
  readonly incidents: string;
}

/** All there is, where one sink writes it. */
export const everything: Place = {
  space: 'default',
  suffix: '',
  events: (stream) => `logs-weir.${stream ?? '*'}-*`,
  alerts: 'weir-alerts*',
  incidents: 'weir-incidents*',
};

/** What these sinks write, and nothing that others write into the same cluster. */
export const placeOfSinks = (
  layouts: readonly Layout[],
  { space, suffix }: Pick<Place, 'space' | 'suffix'>,
): Place => {
  const patterns = (of: (layout: Layout) => readonly string[]): string =>
    [...new Set(layouts.flatMap(of))].join(',');
  return {
    space,
    suffix,
    events: (stream) =>
      patterns((layout) => {
        if (stream !== undefined) return [eventsIn(layout, stream)];
        // `weir-*` would be current state as well.
        return layout.layout === 'daily'
          ? eventStreams.map((each) => eventsIn(layout, each))
          : [eventsIn(layout, '*')];
      }),
    alerts: patterns((layout) => [stateIn(layout, 'alert')]),
    incidents: patterns((layout) => [stateIn(layout, 'incident')]),
  };
};

export const views = ['events', 'alerts', 'incidents'] as const;
export type View = (typeof views)[number];

export const viewId = (view: View, place: Pick<Place, 'suffix'>): string => idOf(view, place);

/** Id of an object of ours in a place. */
export const idOf = (name: string, { suffix }: Pick<Place, 'suffix'>): string =>
  `weir-${name}${suffix === '' ? '' : `-${suffix}`}`;

/** Path before every address of a space; empty for the default one. */
export const spacePath = (space: string): string =>
  space === 'default' ? '' : `/s/${encodeURIComponent(space)}`;
