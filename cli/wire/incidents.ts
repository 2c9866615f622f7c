import { joinIncidents, type IncidentsOptions } from '../../incidents/run.ts';
import { createCounters } from '../../pipeline/counters.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import { contextOf, type Shared } from './process.ts';

/** The pump that joins alerts to incidents. */
export function incidentPump(options: Omit<IncidentsOptions, 'counters'>, shared: Shared): Pump {
  const counters = createCounters(shared.meter, 'incidents', 'incidents');
  const open = shared.meter.gauge('incidents_open', 'Incidents that are open.');
  const waiting = shared.meter.gauge(
    'incidents_waiting_alerts',
    'Alerts that wait until every lane has passed their time.',
  );
  return {
    name: 'incidents',
    run: ({ drain }) =>
      joinIncidents(
        {
          ...options,
          counters,
          held(streams) {
            options.held?.(streams);
            open.set(streams.reduce((sum, stream) => sum + stream.open, 0));
            waiting.set(streams.reduce((sum, stream) => sum + stream.waiting, 0));
          },
        },
        contextOf(shared, 'incidents'),
        drain,
      ),
  };
}
