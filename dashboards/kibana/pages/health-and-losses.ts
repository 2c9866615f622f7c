import { count, distinct, max, sum, time, top } from '../columns.ts';
import type { Page } from '../dashboard.ts';
import { metric, series, table } from '../panels.ts';
import { accesses, flows, losses } from '../subject.ts';

/** How complete the evidence is, and who looked at it. */
export const healthAndLosses: Page = {
  name: 'health-and-losses',
  title: 'Health and losses',
  description: 'Where flows come from, what was not seen and why, and who looked at the data.',
  rows: [
    {
      height: 6,
      panels: [
        [12, metric({ title: 'Newest flow', of: flows }, max('@timestamp', 'Newest flow'))],
        [12, metric({ title: 'Nodes that report', of: flows }, distinct('host.name', 'Nodes'))],
        [12, metric({ title: 'Losses (of every scope)', of: losses, ignoresFilters: true }, count('Losses'))],
        [
          12,
          metric(
            { title: 'Records lost, where known (of every scope)', of: losses, ignoresFilters: true },
            sum('weir.loss.count', 'Records'),
          ),
        ],
      ],
    },
    {
      height: 12,
      panels: [
        [
          24,
          series(
            { title: 'Flows by node', of: flows, by: top('host.name', 'Node', 20) },
            count('Flows'),
            time,
          ),
        ],
        [
          24,
          series(
            {
              title: 'Losses by reason (of every scope)',
              of: losses,
              ignoresFilters: true,
              by: top('weir.loss.why', 'Why', 10),
            },
            count('Losses'),
            time,
          ),
        ],
      ],
    },
    {
      height: 14,
      panels: [
        [
          24,
          table(
            {
              title: 'Sources',
              of: flows,
              by: [
                top('orchestrator.cluster.name', 'Cluster', 20),
                top('weir.collector', 'Source type', 10),
                top('host.name', 'Node', 100),
              ],
            },
            count('Flows'),
            max('@timestamp', 'Last'),
            count('Initiator guessed', 'weir.initiator_guessed : true'),
            count('Names not up to date', 'weir.inventory_stale : true'),
          ),
        ],
        [
          24,
          table(
            {
              title: 'What was not seen (of every scope)',
              of: losses,
              ignoresFilters: true,
              by: [top('weir.loss.where', 'Where', 50), top('weir.loss.why', 'Why', 10)],
            },
            count('Losses'),
            sum('weir.loss.count', 'Records'),
            max('@timestamp', 'Last'),
          ),
        ],
      ],
    },
    {
      height: 12,
      panels: [
        [
          48,
          table(
            {
              title: 'Who looked at the data (of every scope)',
              of: accesses,
              ignoresFilters: true,
              by: [top('user.name', 'Who', 50), top('event.action', 'What', 20)],
            },
            count('Times'),
            sum('weir.access.rows', 'Rows'),
            max('@timestamp', 'Last'),
          ),
        ],
      ],
    },
  ],
};
