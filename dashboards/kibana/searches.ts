import { idOf, viewId, type Place } from './place.ts';
import { savedObject, type SavedObject } from './saved-object.ts';
import {
  accesses,
  changes,
  denied,
  fieldOf,
  flows,
  incidents,
  losses,
  narrowed,
  raised,
  type Subject,
} from './subject.ts';

interface Search {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly of: Subject;
  readonly where?: string;
  readonly columns: readonly string[];
}

const who = [
  'weir.source.namespace',
  'weir.source.workload',
  'source.ip',
  'weir.destination.namespace',
  'weir.destination.workload',
  'destination.ip',
  'destination.port',
  'network.transport',
  'weir.verdict',
  'weir.policy.name',
];

const searches: readonly Search[] = [
  {
    name: 'search-flows',
    title: 'Flows',
    description: 'Who talked to whom, and which policy let it.',
    of: flows,
    columns: who,
  },
  {
    name: 'search-denied',
    title: 'Denied flows',
    description: 'What policy stopped.',
    of: denied,
    columns: who,
  },
  {
    name: 'search-alerts',
    title: 'Alerts opened and escalated',
    description: 'The revisions of alerts that a person is told of.',
    of: raised,
    columns: [
      'weir.alert.severity',
      'event.risk_score',
      'rule.name',
      'message',
      'weir.entity.namespace',
      'weir.entity.name',
      'weir.alert.outcome',
      'event.url',
    ],
  },
  {
    name: 'search-incidents',
    title: 'Incidents',
    description: 'Alerts of one entity, joined; the open ones.',
    of: incidents,
    where: 'not weir.incident.status : "closed"',
    columns: [
      'weir.incident.severity',
      'event.risk_score',
      'weir.incident.status',
      'message',
      'weir.entity.namespace',
      'weir.entity.name',
      'weir.incident.question',
    ],
  },
  {
    name: 'search-policy-changes',
    title: 'Policy changes',
    description: 'Who changed which policy, and who turned its logging off.',
    of: changes,
    columns: [
      'weir.policy_change.verb',
      'weir.policy.kind',
      'weir.policy.name',
      'weir.policy_change.logging',
      'user.name',
      'source.ip',
    ],
  },
  {
    name: 'search-losses',
    title: 'Losses',
    description: 'What was not seen: where, how much and why.',
    of: losses,
    columns: ['weir.loss.where', 'weir.loss.why', 'weir.loss.count', 'host.name', 'message'],
  },
  {
    name: 'search-access',
    title: 'Access',
    description: 'Who searched, exported, suppressed or changed what.',
    of: accesses,
    columns: ['user.name', 'event.action', 'weir.access.rows', 'message'],
  },
];

export const savedSearches = (place: Place): SavedObject[] =>
  searches.map(({ name, title, description, of, where, columns }) => {
    const index = 'kibanaSavedObjectMeta.searchSourceJSON.index';
    return savedObject({
      type: 'search',
      id: idOf(name, place),
      references: [{ type: 'index-pattern', id: viewId(of.view, place), name: index }],
      attributes: {
        title: `[Weir] ${title}`,
        description,
        columns: columns.map((column) => fieldOf(column, of.kind).name),
        sort: [['@timestamp', 'desc']],
        grid: {},
        hideChart: false,
        isTextBasedQuery: false,
        timeRestore: false,
        kibanaSavedObjectMeta: {
          searchSourceJSON: JSON.stringify({
            highlightAll: true,
            version: true,
            query: { language: 'kuery', query: narrowed(of, where) },
            filter: [],
            indexRefName: index,
          }),
        },
      },
    });
  });
