import { digest } from '../../schema/ids.ts';
import type { Attack } from '../../schema/records.ts';
import { formatDuration } from '../../pipeline/units.ts';
import { conditionOf } from './condition-of.ts';
import type { ConditionFactory } from './conditions/condition.ts';
import type { Definition } from './definition.ts';
import { groupingOf, type Grouping } from './grouping.ts';
import { messageOf } from './message.ts';
import { predicateOver, type Subject } from './subject.ts';
import { techniqueOf } from './techniques.ts';

/** A rule ready to run: nothing is looked up or parsed for a flow. */
export interface Rule {
  readonly name: string;
  /** Of all that decides what it does; state belongs to it. */
  readonly digest: string;
  readonly definition: Definition;
  /** Whether the rule looks at a record of its kind at all. Most flows end here. */
  readonly matches: (subject: Subject) => boolean;
  readonly grouping: Grouping;
  readonly condition: ConditionFactory;
  /** What is measured, for a person, and from where on it alerts. */
  readonly metric: string;
  readonly least: number;
  /** Most groups for all lanes. */
  readonly maxGroups: number;
  readonly quietMs: number;
  readonly attack: readonly Attack[];
  readonly noteOf: (subject: Subject) => string;
  readonly withinText: string;
  /** KQL of what it looks at. */
  readonly query: string;
}

/** The definition must have passed `checkRule`. */
export function compileRule(definition: Definition): Rule {
  const { cases: _, description: __, enabled: ___, over, ...deciding } = definition;
  const { when } = definition;
  const where = predicateOver(over, definition.where);
  const { condition, metric, least, maxGroups, narrows } = conditionOf(definition);
  const windowMs = when.within ?? when.firstSeen ?? 0;
  return {
    name: definition.name,
    digest: digest(12, JSON.stringify(over === 'flow' ? deciding : { over, ...deciding })),
    definition,
    matches: narrows === null ? where : (subject) => where(subject) && narrows(subject),
    grouping: groupingOf(definition),
    condition,
    metric,
    least,
    maxGroups: Math.min(definition.maxGroups, maxGroups),
    quietMs: Math.max(definition.quiet, when.within ?? 0),
    attack: definition.attack.map((id) => techniqueOf(id)!),
    noteOf: messageOf(over, definition.message),
    withinText: formatDuration(windowMs),
    query: definition.where,
  };
}
