import { count, distinct, max, sumOfBytes, time, top } from '../columns.ts';
import type { Page } from '../dashboard.ts';
import { donut, metric, series, table } from '../panels.ts';
import { alerts, changes, connections, denied, flows, incidents, raised } from '../subject.ts';

/** Is everything as it was: traffic, verdicts, findings, changes, on one page. */
export const overview: Page = {
  name: 'overview',
  title: 'Overview',
  description: 'Flows and verdicts, what was found, which policies changed.',
  rows: [
    {
      height: 6,
      panels: [
        [8, metric({ title: 'Connections', of: connections }, count('Connections'))],
        [8, metric({ title: 'Denied flows', of: denied }, count('Denied'))],
        [8, metric({ title: 'Who talks', of: flows }, distinct('weir.source.entity', 'Initiators'))],
        [8, metric({ title: 'Bytes', of: connections }, sumOfBytes('network.bytes', 'Bytes'))],
        [
          8,
          metric(
            { title: 'Open alerts', of: alerts, where: 'weir.alert.status : "open"' },
            count('Open alerts'),
          ),
        ],
        [
          8,
          metric(
            { title: 'Open incidents', of: incidents, where: 'not weir.incident.status : "closed"' },
            count('Open incidents'),
          ),
        ],
      ],
    },
    {
      height: 12,
      panels: [
        [
          34,
          series(
            { title: 'Flows by verdict', of: flows, by: top('weir.verdict', 'Verdict', 5) },
            count('Flows'),
            time,
          ),
        ],
        [14, donut({ title: 'Verdicts', of: flows, by: top('weir.verdict', 'Verdict', 5) }, count('Flows'))],
      ],
    },
    {
      height: 12,
      panels: [
        [
          24,
          table(
            {
              title: 'Policies that decided',
              of: flows,
              by: [top('weir.policy.name', 'Policy', 50), top('weir.verdict', 'Verdict', 3)],
            },
            count('Flows'),
            distinct('weir.source.entity', 'Initiators'),
          ),
        ],
        [
          24,
          series(
            {
              title: 'Alerts opened and escalated',
              of: raised,
              by: top('weir.alert.severity', 'Severity', 5),
            },
            count('Alerts'),
            time,
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
              title: 'Namespaces',
              of: connections,
              by: [
                top('weir.source.namespace', 'From namespace', 20),
                top('weir.destination.namespace', 'To namespace', 20),
              ],
            },
            count('Connections'),
            count('Denied', 'event.type : "denied"'),
            sumOfBytes('network.bytes', 'Bytes'),
          ),
        ],
        [
          24,
          table(
            {
              title: 'Policy changes (of every scope)',
              of: changes,
              ignoresFilters: true,
              by: [
                top('weir.policy.name', 'Policy', 50),
                top('weir.policy_change.verb', 'What was done', 5),
                top('user.name', 'By', 20),
              ],
            },
            count('Changes'),
            max('@timestamp', 'Last'),
          ),
        ],
      ],
    },
  ],
};
