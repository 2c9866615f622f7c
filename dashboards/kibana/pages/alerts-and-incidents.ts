import { count, distinct, max, time, top } from '../columns.ts';
import type { Page } from '../dashboard.ts';
import { donut, metric, rows, series, table } from '../panels.ts';
import { alerts, incidents, raised } from '../subject.ts';

/** What was found, about whom, and what to look at first. */
export const alertsAndIncidents: Page = {
  name: 'alerts-and-incidents',
  title: 'Alerts and incidents',
  description: 'What was found, about whom, how bad, and what to look at first.',
  rows: [
    {
      height: 6,
      panels: [
        [
          12,
          metric(
            { title: 'Open incidents', of: incidents, where: 'not weir.incident.status : "closed"' },
            count('Open incidents'),
          ),
        ],
        [
          12,
          metric(
            { title: 'Open alerts', of: alerts, where: 'weir.alert.status : "open"' },
            count('Open alerts'),
          ),
        ],
        [12, metric({ title: 'Who is concerned', of: alerts }, distinct('weir.entity.key', 'Entities'))],
        [12, metric({ title: 'Highest score', of: incidents }, max('event.risk_score', 'Score'))],
      ],
    },
    { height: 14, panels: [[48, rows('Open incidents', 'search-incidents')]] },
    {
      height: 12,
      panels: [
        [
          24,
          series(
            {
              title: 'Alerts opened and escalated, by severity',
              of: raised,
              by: top('weir.alert.severity', 'Severity', 5),
            },
            count('Alerts'),
            time,
          ),
        ],
        [
          12,
          donut(
            { title: 'By detector', of: alerts, by: top('weir.alert.detector', 'Detector', 20) },
            count('Alerts'),
          ),
        ],
        [
          12,
          donut(
            { title: 'What became of the traffic', of: alerts, by: top('weir.alert.outcome', 'Outcome', 4) },
            count('Alerts'),
          ),
        ],
      ],
    },
    {
      height: 12,
      panels: [
        [
          24,
          table(
            {
              title: 'Who is concerned',
              of: alerts,
              by: [
                top('weir.entity.namespace', 'Namespace', 20),
                top('weir.entity.name', 'Name', 20),
                top('weir.alert.severity', 'Severity', 5),
              ],
            },
            count('Alerts'),
            max('event.risk_score', 'Highest score'),
            max('@timestamp', 'Last'),
          ),
        ],
        [
          24,
          table(
            {
              title: 'MITRE ATT&CK',
              of: alerts,
              by: [
                top('threat.tactic.name', 'Tactic', 20),
                top('threat.technique.name', 'Technique', 20),
                top('threat.technique.id', 'Id', 5),
              ],
            },
            count('Alerts'),
            distinct('weir.entity.key', 'Entities'),
          ),
        ],
      ],
    },
    { height: 16, panels: [[48, rows('Alerts opened and escalated', 'search-alerts')]] },
  ],
};
