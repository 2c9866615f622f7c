import { count, distinct, max, sumOfBytes, time, top } from '../columns.ts';
import type { Page } from '../dashboard.ts';
import { donut, heatmap, rows, series, table } from '../panels.ts';
import { connections, flows } from '../subject.ts';

/** The forensic question: who spoke with this, when, how much, and which policy let it. */
export const whoTalkedToWhom: Page = {
  name: 'who-talked-to-whom',
  title: 'Who talked to whom',
  description: 'Conversations, what went outside, and how much.',
  rows: [
    {
      height: 14,
      panels: [
        [
          26,
          series(
            {
              title: 'Bytes by namespace',
              of: connections,
              as: 'area_stacked',
              by: top('weir.source.namespace', 'From namespace', 8),
            },
            sumOfBytes('network.bytes', 'Bytes'),
            time,
          ),
        ],
        [
          22,
          heatmap(
            {
              title: 'Connections between namespaces',
              of: connections,
              x: top('weir.destination.namespace', 'To namespace', 15),
              y: top('weir.source.namespace', 'From namespace', 15),
            },
            count('Connections'),
          ),
        ],
      ],
    },
    {
      height: 16,
      panels: [
        [
          48,
          table(
            {
              title: 'Conversations',
              of: connections,
              by: [
                top('weir.source.namespace', 'From namespace', 20),
                top('weir.source.workload', 'From', 20),
                top('weir.destination.namespace', 'To namespace', 20),
                top('weir.destination.workload', 'To', 20),
                top('destination.port', 'Port', 10),
                top('weir.verdict', 'Verdict', 3),
              ],
            },
            count('Connections'),
            sumOfBytes('network.bytes', 'Bytes'),
            max('@timestamp', 'Last'),
          ),
        ],
      ],
    },
    {
      height: 12,
      panels: [
        [
          22,
          table(
            {
              title: 'To public addresses',
              of: connections,
              where: 'weir.destination.kind : "public"',
              by: [
                top('weir.source.namespace', 'From namespace', 20),
                top('weir.source.workload', 'From', 20),
                top('destination.ip', 'To', 20),
                top('destination.port', 'Port', 5),
              ],
            },
            count('Connections'),
            sumOfBytes('source.bytes', 'Bytes out'),
          ),
        ],
        [
          13,
          table(
            { title: 'Most peers', of: connections, by: [top('weir.source.entity', 'Who', 20)] },
            distinct('weir.destination.entity', 'Peers'),
            distinct('destination.port', 'Ports'),
          ),
        ],
        [
          13,
          donut(
            { title: 'Transport', of: connections, by: top('network.transport', 'Transport', 5) },
            count('Connections'),
          ),
        ],
      ],
    },
    {
      height: 10,
      panels: [
        [
          48,
          table(
            {
              title: 'Policies that let it',
              of: flows,
              where: 'weir.verdict : "allow"',
              by: [
                top('weir.policy.name', 'Policy', 50),
                top('weir.policy.kind', 'Kind', 5),
                top('weir.destination.namespace', 'To namespace', 20),
              ],
            },
            count('Flows'),
            distinct('weir.source.entity', 'Initiators'),
          ),
        ],
      ],
    },
    { height: 16, panels: [[48, rows('Flows', 'search-flows')]] },
  ],
};
