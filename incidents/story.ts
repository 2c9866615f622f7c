import { searchCommand } from '../detectors/search-link.ts';
import { counted, duration, listed } from '../detectors/words.ts';
import { newStory, type Party, type Severity, type Story } from '../schema/records.ts';
import { anyQuestion, clusterQuestion, questions } from './questions.ts';
import { rank } from './score.ts';

/** One of the alerts of a story. */
export interface Told {
  readonly detector: string;
  readonly severity: Severity;
  readonly score: number;
  readonly line: string;
  readonly normal: string | null;
  readonly search: string | null;
  readonly tactics: readonly string[];
}

export interface StoryParts {
  readonly entity: Party;
  readonly owner: string | null;
  readonly cluster: string;
  /** How many alerts there were; `alerts` may hold fewer. */
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly tactics: readonly string[];
  /** In the order they were joined; at least one. */
  readonly alerts: readonly Told[];
}

/** What an analyst reads first: who, what in which order, what is usual, what to ask, where to look. */
export function storyOf(parts: StoryParts): Story {
  const { alerts, entity } = parts;
  const first = alerts[0]!;
  const strongest = strongestOf(alerts);
  const story = newStory({ summary: summaryOf(parts, first, strongest) });
  story.normal = strongest.normal ?? alerts.find(({ normal }) => normal !== null)?.normal ?? null;
  story.question =
    entity.kind === 'cluster' ? clusterQuestion : (questions[strongest.detector] ?? anyQuestion);
  story.query = parts.count === 1 ? first.search : (queryOf(parts) ?? strongest.search);
  return story;
}

/** The alert that says most; of equals the first. */
function strongestOf(alerts: readonly Told[]): Told {
  let strongest = alerts[0]!;
  for (const alert of alerts) {
    const difference = rank(alert.severity) - rank(strongest.severity);
    if (difference > 0 || (difference === 0 && alert.score > strongest.score)) strongest = alert;
  }
  return strongest;
}

function summaryOf(parts: StoryParts, first: Told, strongest: Told): string {
  if (parts.count === 1) return first.line;
  const detectors = [...new Set(parts.alerts.map(({ detector }) => detector))];
  const span = duration(parts.lastMs - parts.firstMs);
  const chain = parts.tactics.length > 1 ? ` (${parts.tactics.join(', then ')})` : '';
  const owner = parts.owner === null ? '' : `, owned by ${parts.owner}`;
  const head = `${nameOf(parts.entity)}${owner}: ${counted(parts.count, 'alert')} in ${span} from ${listed(detectors, detectors.length)}${chain}.`;
  return strongest === first
    ? `${head} ${first.line}`
    : `${head} It began: ${first.line} Worst: ${strongest.line}`;
}

function nameOf({ kind, namespace, name, ip, key }: Party): string {
  if (kind === 'cluster') return `cluster ${name ?? key}`;
  if (namespace !== null && name !== null) return `${namespace}/${name}`;
  return name ?? ip ?? key;
}

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** All flows of the entity, on either side; null where no field of a flow finds it. */
function queryOf({ entity, cluster, firstMs, lastMs }: StoryParts): string | null {
  const either = (field: string, value: string): string =>
    `source.${field} : ${quoted(value)} or destination.${field} : ${quoted(value)}`;
  switch (entity.kind) {
    case 'cluster':
      return searchCommand(`cluster : ${quoted(cluster)} and verdict : deny`, firstMs, lastMs);
    case 'workload':
    case 'host':
    case 'service':
      return searchCommand(either('entity', entity.key), firstMs, lastMs);
    case 'network':
    case 'policy':
      return null;
    default:
      return entity.ip === null ? null : searchCommand(either('ip', entity.ip), firstMs, lastMs);
  }
}
