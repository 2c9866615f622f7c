import { grafanaDashboard, now, over } from './panels.ts';

const of = 'job=~"$job"';
const rate = (metric: string, by: string): string =>
  `sum by (${by}) (rate(${metric}{${of}}[$__rate_interval]))`;

/** Weir's own metrics: does it keep up, what does it lose, where does it fail. */
export const grafana = grafanaDashboard({ uid: 'weir', title: 'Weir' }, [
  {
    title: 'Is it well',
    height: 5,
    panels: [
      now(
        'Records read',
        'ops',
        'Records a second that sources passed on. None at all is a source that ended, or a collector that cannot read.',
        [`sum(rate(weir_sent_total{${of}, role="source"}[$__rate_interval]))`, 'read'],
      ),
      now(
        'Farthest behind',
        's',
        'How far the detectors are behind the clock. It grows when they do not keep up.',
        [`max(weir_lane_watermark_lag_seconds{${of}})`, 'behind'],
      ),
      now('Waiting for a sink', 'short', 'Records in the log that the slowest sink has not settled.', [
        `max(weir_sink_lag_records{${of}})`,
        'records',
      ]),
      now('Errors in 15 minutes', 'short', 'Failures of any component. Those of a sink are tried again.', [
        `sum(increase(weir_errors_total{${of}}[15m]))`,
        'errors',
      ]),
      now('Lost in 24 hours', 'short', 'Records that a source says it did not see.', [
        `sum(increase(weir_source_lost_total{${of}}[24h]))`,
        'records',
      ]),
      now('Open incidents', 'short', 'Incidents that are open.', [`sum(weir_incidents_open{${of}})`, 'open']),
    ],
  },
  {
    title: 'Throughput',
    height: 9,
    panels: [
      over('Received', 'ops', 'Records a second that each component was given.', [
        rate('weir_received_total', 'role, component'),
        '{{role}} {{component}}',
      ]),
      over('Passed on', 'ops', 'Records a second that each component passed on.', [
        rate('weir_sent_total', 'role, component'),
        '{{role}} {{component}}',
      ]),
      over('Not passed on', 'ops', 'Records a second that went no further, by reason.', [
        rate('weir_dropped_total', 'component, reason'),
        '{{component}}: {{reason}}',
      ]),
    ],
  },
  {
    title: 'Delay',
    height: 9,
    panels: [
      over('Sources behind', 's', 'Age of the newest record that each source has read.', [
        `max by (source) (weir_source_lag_seconds{${of}})`,
        '{{source}}',
      ]),
      over('Detectors behind', 's', 'How far behind the clock each group of lanes was judged.', [
        `max by (group) (weir_lane_watermark_lag_seconds{${of}})`,
        'lanes {{group}}',
      ]),
      over('Sinks behind', 'short', 'Records in the log that each sink has not settled.', [
        `max by (sink) (weir_sink_lag_records{${of}})`,
        '{{sink}}',
      ]),
      over('Time of a batch, 99 %', 's', 'How long a batch takes in each component.', [
        `histogram_quantile(0.99, sum by (le, component) (rate(weir_duration_seconds_bucket{${of}}[$__rate_interval])))`,
        '{{component}}',
      ]),
    ],
  },
  {
    title: 'Failures and losses',
    height: 9,
    panels: [
      over('Errors', 'ops', 'Failures a second by code; docs/reference/errors.md says what each means.', [
        rate('weir_errors_total', 'component, code'),
        '{{component}}: {{code}}',
      ]),
      over('Not seen', 'ops', 'Records a second that sources say they did not see, by reason.', [
        rate('weir_source_lost_total', 'source, reason'),
        '{{source}}: {{reason}}',
      ]),
      over('Dead letters', 'short', 'Records kept that could not be handled or delivered.', [
        `sum(weir_dead_letters{${of}})`,
        'kept',
      ]),
    ],
  },
  {
    title: 'Detection',
    height: 9,
    panels: [
      over('Keys held', 'short', 'Keys that each detector remembers.', [
        `sum by (detector) (weir_detector_keys{${of}})`,
        '{{detector}}',
      ]),
      over('Keys given up', 'ops', 'Keys a second given up because a cap was reached: raise `maxKeys`.', [
        rate('weir_detector_evicted_total', 'detector'),
        '{{detector}}',
      ]),
      over(
        'Incidents',
        'short',
        'Open incidents, and alerts that wait to be joined.',
        [`sum(weir_incidents_open{${of}})`, 'open'],
        [`sum(weir_incidents_waiting_alerts{${of}})`, 'alerts waiting'],
      ),
      over('Inventory', 'short', 'Objects that name addresses.', [
        `max(weir_inventory_objects{${of}})`,
        'objects',
      ]),
    ],
  },
  {
    title: 'Processes',
    height: 9,
    panels: [
      over('CPU', 'percentunit', 'Cores that each process uses.', [
        `rate(weir_process_cpu_seconds_total{${of}}[$__rate_interval])`,
        '{{instance}}',
      ]),
      over('Memory', 'bytes', 'Resident memory of each process.', [
        `weir_process_resident_memory_bytes{${of}}`,
        '{{instance}}',
      ]),
      over('Event loop, 99 %', 's', 'How long the event loop of each process is held up.', [
        `weir_nodejs_eventloop_lag_p99_seconds{${of}}`,
        '{{instance}}',
      ]),
    ],
  },
]);
