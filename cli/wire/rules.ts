import { dirname, resolve } from 'node:path';
import { compileRule, type Rule } from '../../detectors/rule/rule.ts';
import { createSchedule, versionOf, type RuleSchedule } from '../../detectors/rule/schedule.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import { digest } from '../../schema/ids.ts';
import type { RulesConfig } from '../config/index.ts';
import { definitionOf, ruleFiles } from '../config/rules.ts';
import type { ControlChannel } from './control.ts';
import type { Shared } from './process.ts';
import { watchFiles } from './watch-files.ts';

const KIND = 'rules';

export interface RulesOptions {
  readonly rules: RulesConfig;
  /** Where changes travel; null where there are none, as in a replay. */
  readonly control: ControlChannel | null;
  /** Whether this process says which rules are in force. Who only routes flows listens. */
  readonly publishes: boolean;
  /** The configuration's file and how to read its rules again; null where there is no file. */
  readonly file: string | null;
  readonly reread: (() => RulesConfig) | null;
  /** How long after it was decided a change begins, so that everybody hears of it before. */
  readonly leadMs: number;
}

/** Which rules are in force when, as the stream itself says. */
export interface RulesInForce {
  readonly schedule: RuleSchedule;
  /** Makes known what is configured, where that is another; once the control channel has started. */
  start(): Promise<void>;
  /** Looks for changes of the files where this process publishes. */
  readonly pumps: readonly Pump[];
}

/**
 * Rules as they are configured become a record in `weir.control` with the event time from which they are in force, at
 * the start and at each change of the files. Every process takes its rules from these records, never from its files
 * alone: so all agree, and flows that are read again are judged by the rules that were in force then.
 */
export function rulesInForce(options: RulesOptions, shared: Shared): RulesInForce {
  const { control } = options;
  const { clock, meter } = shared;
  const configured = compiledRules(options.rules);
  const schedule = createSchedule(configured);
  const inForce = meter.gauge('rules_in_force', 'Rules of the user that are in force now or next.');
  const late = meter.counter(
    'rules_late_total',
    'Changes of rules that this process heard of after the time from which they are in force.',
  );
  inForce.set(configured.length);
  if (control === null) return { schedule, start: () => Promise.resolve(), pumps: [] };

  let heard = 0;
  control.on(KIND, (record, isNew) => {
    const { rules: raw } = JSON.parse(record.body) as { rules: readonly unknown[] };
    const rules = raw.map((each) => compileRule(definitionOf(each, `${KIND} ${record.id}`)));
    inForce.set(rules.length);
    if (heard++ === 0) return schedule.begin(rules);
    if (!schedule.add(record.timeMs, rules) || !isNew) return;
    if (clock.now() > record.timeMs) late.add(1);
    shared.log.info(
      { rules: rules.length, from: new Date(record.timeMs).toISOString(), id: record.id },
      'rules changed',
    );
  });

  async function publish(from: RulesConfig, timeMs: number): Promise<void> {
    const rules = running(from).map(({ raw }) => {
      const { cases: _, ...rest } = raw;
      return rest;
    });
    const version = versionOf(compiledRules(from));
    await control!.publish({
      kind: KIND,
      id: `${KIND}-${digest(16, version, timeMs)}`,
      timeMs,
      body: { version, rules },
      access: {
        action: 'rules_changed',
        detail: `${rules.length} rules, version ${version}, in force from ${new Date(timeMs).toISOString()}`,
      },
    });
  }

  let current = options.rules;
  const { reread, file } = options;
  return {
    schedule,
    async start() {
      if (!options.publishes) return;
      // What is in force from the beginning has no time of its own.
      if (heard === 0) await publish(options.rules, 0);
      else if (schedule.newest().version !== versionOf(configured))
        await publish(options.rules, clock.now() + options.leadMs);
    },
    pumps:
      options.publishes && reread !== null
        ? [
            watchFiles(
              {
                what: 'rules',
                everyMs: options.rules.keys.checkEvery,
                files: () => filesOf(file, current),
                async reload() {
                  current = reread();
                  if (versionOf(compiledRules(current)) !== schedule.newest().version)
                    await publish(current, clock.now() + options.leadMs);
                },
              },
              shared,
            ),
          ]
        : [],
  };
}

const running = ({ loaded }: RulesConfig): RulesConfig['loaded'] => loaded.filter(({ runs }) => runs);

/** The rules of a configuration that run. */
export const compiledRules = (rules: RulesConfig): Rule[] =>
  running(rules).map(({ definition }) => compileRule(definition));

function filesOf(file: string | null, { keys }: RulesConfig): string[] {
  const folder = file === null ? '.' : dirname(resolve(file));
  return [...(file === null ? [] : [file]), ...ruleFiles(keys, folder)];
}
