import type { Severity } from '../../schema/records.ts';
import type { EventStream } from '../../sinks/ecs/streams.ts';
import { severities } from '../../sinks/ecs/parts.ts';
import { idOf, type Place } from './place.ts';
import { changes, fieldOf, losses, narrowed, raised, type Subject } from './subject.ts';

/** A rule of the detection engine of Kibana, as its API takes it. */
export interface DetectionRule {
  readonly rule_id: string;
  readonly name: string;
  readonly query: string;
  readonly index: readonly string[];
  readonly [key: string]: unknown;
}

/** An alert reaches Elasticsearch after its event time; what is older notifies no one. */
const LOOK_BACK = 'now-75m';

interface Rule {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly of: Subject;
  readonly stream: EventStream;
  readonly where?: string;
  readonly severity: Exclude<Severity, 'info'>;
  readonly more?: object;
}

const ofAlerts = (severity: Exclude<Severity, 'info'>): Rule => ({
  name: `rule-alert-${severity}`,
  title: `Alert of severity ${severity}`,
  description:
    `Weir opened an alert of severity ${severity}, or raised one to it. Later revisions, closed, suppressed and ` +
    'historical alerts are left out, so that each is told of once for each severity.',
  of: raised,
  stream: 'alert',
  where: `weir.alert.severity : "${severity}" and not weir.alert.historical : true and not weir.alert.suppressed_by : *`,
  severity,
  more: {
    rule_name_override: fieldOf('rule.name', 'alert').name,
    risk_score_mapping: [{ field: fieldOf('event.risk_score', 'alert').name, operator: 'equals', value: '' }],
    note:
      'The alert says what was measured (`weir.alert.factors`), shows up to five flows (`weir.alert.flows`), links ' +
      'its flows (`event.url`) and what to do (`event.reference`), and names the incident it belongs to ' +
      '(`weir.alert.incident`).',
  },
});

const rules: readonly Rule[] = [
  ...(['critical', 'high', 'medium', 'low'] as const).map(ofAlerts),
  {
    name: 'rule-policy-logging-off',
    title: 'Logging of a network policy was turned off',
    description: 'Somebody changed a policy so that its decisions are no longer logged.',
    of: changes,
    stream: 'policy_change',
    where: 'weir.policy_change.logging : "off"',
    severity: 'high',
    more: {
      threat: [
        {
          framework: 'MITRE ATT&CK',
          tactic: {
            id: 'TA0005',
            name: 'Defense Evasion',
            reference: 'https://attack.mitre.org/tactics/TA0005/',
          },
          technique: [],
        },
      ],
    },
  },
  {
    name: 'rule-losses',
    title: 'Flow logs were lost',
    description:
      'Weir reports that it did not see everything: what is not there is no proof that nothing was.',
    of: losses,
    stream: 'loss',
    severity: 'low',
  },
];

/** The rules of one space. They come switched off: who switches one on chooses whom it tells. */
export const detectionRules = (place: Place): DetectionRule[] =>
  rules.map(({ name, title, description, of, stream, where, severity, more }) => ({
    rule_id: idOf(name, place),
    name: `[Weir] ${title}`,
    description,
    type: 'query',
    language: 'kuery',
    index: [place.events(stream)],
    query: narrowed(of, where),
    risk_score: severities[severity],
    severity,
    interval: '5m',
    from: LOOK_BACK,
    to: 'now',
    enabled: false,
    max_signals: 100,
    author: ['Weir'],
    license: 'Apache-2.0',
    tags: ['Weir', 'Kubernetes', 'Network policy'],
    references: [],
    false_positives: [],
    threat: [],
    exceptions_list: [],
    actions: [],
    version: 1,
    ...more,
  }));
