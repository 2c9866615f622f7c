import { count, distinct, max, time, top } from '../columns.ts';
import type { Page } from '../dashboard.ts';
import { donut, metric, rows, series, table } from '../panels.ts';
import { denied } from '../subject.ts';

/** Which policy stopped whom, since when. */
export const deniedTraffic: Page = {
  name: 'denied-traffic',
  title: 'Denied traffic',
  description: 'Which policy stopped whom on the way to what.',
  rows: [
    {
      height: 6,
      panels: [
        [12, metric({ title: 'Denied flows', of: denied }, count('Denied'))],
        [12, metric({ title: 'Who was denied', of: denied }, distinct('weir.source.entity', 'Initiators'))],
        [
          12,
          metric(
            { title: 'What was out of reach', of: denied },
            distinct('weir.destination.entity', 'Targets'),
          ),
        ],
        [12, metric({ title: 'Policies that denied', of: denied }, distinct('weir.policy.name', 'Policies'))],
      ],
    },
    {
      height: 12,
      panels: [
        [
          48,
          series(
            { title: 'Denied flows by policy', of: denied, by: top('weir.policy.name', 'Policy', 8) },
            count('Denied'),
            time,
          ),
        ],
      ],
    },
    {
      height: 14,
      panels: [
        [
          48,
          table(
            {
              title: 'Who was denied what',
              of: denied,
              by: [
                top('weir.source.namespace', 'From namespace', 20),
                top('weir.source.workload', 'From', 20),
                top('weir.destination.namespace', 'To namespace', 20),
                top('weir.destination.workload', 'To', 20),
                top('destination.port', 'Port', 20),
                top('weir.policy.name', 'Policy', 5),
              ],
            },
            count('Denied'),
            max('@timestamp', 'Last'),
          ),
        ],
      ],
    },
    {
      height: 12,
      panels: [
        [16, donut({ title: 'Ports', of: denied, by: top('destination.port', 'Port', 10) }, count('Denied'))],
        [
          16,
          donut(
            {
              title: 'Namespaces denied',
              of: denied,
              by: top('weir.source.namespace', 'From namespace', 10),
            },
            count('Denied'),
          ),
        ],
        [
          16,
          table(
            {
              title: 'Nodes that enforced',
              of: denied,
              by: [top('host.name', 'Node', 50)],
            },
            count('Denied'),
            distinct('weir.policy.name', 'Policies'),
          ),
        ],
      ],
    },
    { height: 16, panels: [[48, rows('Denied flows', 'search-denied')]] },
  ],
};
