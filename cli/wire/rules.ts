import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { compileRule, type Rule } from '../../detectors/rule/rule.ts';
import { createSchedule, versionOf, type RuleSchedule } from '../../detectors/rule/schedule.ts';
import { messageOf } from '../../pipeline/errors.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import type { Log } from '../../pipeline/log.ts';
import { anySignal } from '../../pipeline/signals.ts';
import { digest } from '../../schema/ids.ts';
import { newAccess, newControl, type Control } from '../../schema/records.ts';
import type { RulesConfig } from '../config/index.ts';
import { definitionOf, ruleFiles } from '../config/rules.ts';
import type { Shared } from './process.ts';

const KIND = 'rules';

export interface RulesOptions {
  readonly rules: RulesConfig;
  /** Where changes travel; null where there are none, as in a replay. */
  readonly log: Pick<Log, 'append' | 'consume' | 'lag'> | null;
  /** Name of this process's own cursor, which is never saved: changes are read from the beginning. */
  readonly group: string;
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
  /** Resolves once every change so far is known; before that no flow may be judged. */
  start(signal: AbortSignal): Promise<void>;
  /** Listens for changes, and looks for them where this process publishes. */
  readonly pumps: readonly Pump[];
}

/**
 * Rules as they are configured become a record in `weir.control` with the event time from which they are in force, at
 * the start and at each change of the files. Every process takes its rules from these records, never from its files
 * alone: so all agree, and flows that are read again are judged by the rules that were in force then.
 */
export function rulesInForce(options: RulesOptions, shared: Shared): RulesInForce {
  const { log } = options;
  const { clock, meter } = shared;
  const configured = compiled(options.rules);
  const schedule = createSchedule(configured);
  const inForce = meter.gauge('rules_in_force', 'Rules of the user that are in force now or next.');
  const late = meter.counter(
    'rules_late_total',
    'Changes of rules that this process heard of after the time from which they are in force.',
  );
  const refused = meter.counter('rules_refused_total', 'Changes of rules in the log that could not be read.');
  inForce.set(configured.length);
  if (log === null) return { schedule, start: () => Promise.resolve(), pumps: [] };

  let heard = 0;
  let isStarted = false;

  function take(record: Control): void {
    if (record.kind !== KIND) return;
    let rules: Rule[];
    try {
      const { rules: raw } = JSON.parse(record.body) as { rules: readonly unknown[] };
      rules = raw.map((each) => compileRule(definitionOf(each, `${KIND} ${record.id}`)));
    } catch (error) {
      refused.add(1);
      shared.log.error(
        { id: record.id, error: messageOf(error) },
        'rules of the log not taken, keeping the old ones',
      );
      return;
    }
    inForce.set(rules.length);
    if (heard++ === 0) return schedule.begin(rules);
    if (!schedule.add(record.timeMs, rules) || !isStarted) return;
    if (clock.now() > record.timeMs) late.add(1);
    shared.log.info(
      { rules: rules.length, from: new Date(record.timeMs).toISOString(), id: record.id },
      'rules changed',
    );
  }

  async function publish(from: RulesConfig, timeMs: number): Promise<void> {
    const rules = running(from).map(({ raw }) => {
      const { cases: _, ...rest } = raw;
      return rest;
    });
    const version = versionOf(compiled(from));
    const body = JSON.stringify({ version, rules });
    const id = `${KIND}-${digest(16, version, timeMs)}`;
    await log!.append('control', [
      { partition: 0, key: null, value: newControl({ id, timeMs, kind: KIND, body }) },
    ]);
    const nowMs = clock.now();
    const access = newAccess({
      id: digest(22, 'rules', version, nowMs),
      timeMs: nowMs,
      user: 'local',
      action: 'rules_changed',
      detail: `${rules.length} rules, version ${version}, in force from ${new Date(timeMs).toISOString()}`,
    });
    access.cluster = shared.cluster;
    await log!.append('access', [{ partition: 0, key: null, value: access }]);
  }

  const stopped = new AbortController();
  let listening: Promise<void> = Promise.resolve();
  let caughtUp: () => void = () => {};

  function listen(signal: AbortSignal): Promise<void> {
    return log!.consume(
      {
        group: options.group,
        topics: ['control'],
        startAt: 'beginning',
        async handle(batch) {
          for (const { value } of batch.entries) if (value !== null) take(value);
          if ((batch.entries.at(-1)?.offset ?? -1) + 1 >= batch.end) caughtUp();
        },
      },
      signal,
    );
  }

  return {
    schedule,
    async start(signal) {
      const ready = new Promise<void>((done) => (caughtUp = done));
      const isEmpty = (await log.lag(options.group, ['control'])) === 0;
      listening = listen(anySignal(signal, stopped.signal));
      // Whoever runs the pump is told of a failure.
      listening.catch(() => {});
      if (!isEmpty) await Promise.race([ready, listening]);
      isStarted = true;
      if (!options.publishes) return;
      // What is in force from the beginning has no time of its own.
      if (heard === 0) await publish(options.rules, 0);
      else if (schedule.newest().version !== versionOf(configured))
        await publish(options.rules, clock.now() + options.leadMs);
    },
    pumps: [
      {
        name: 'rules',
        async run({ drain }) {
          drain.addEventListener('abort', () => stopped.abort());
          if (drain.aborted) stopped.abort();
          await listening;
        },
      },
      ...(options.publishes && options.reread !== null
        ? [watch(options, schedule, shared, (from) => publish(from, clock.now() + options.leadMs))]
        : []),
    ],
  };
}

const running = ({ loaded }: RulesConfig): RulesConfig['loaded'] => loaded.filter(({ runs }) => runs);

const compiled = (rules: RulesConfig): Rule[] =>
  running(rules).map(({ definition }) => compileRule(definition));

/** Looks at the files now and then. What cannot be used changes nothing, and is told once. */
function watch(
  options: RulesOptions,
  schedule: RuleSchedule,
  { clock, log, meter }: Shared,
  publish: (rules: RulesConfig) => Promise<void>,
): Pump {
  const failed = meter.gauge('rules_reload_failed', '1 when the last reading of changed rules failed.');
  const reloads = meter.counter('rules_reloads_total', 'Readings of changed rules, by outcome.', ['outcome']);
  let { rules } = options;
  let seen = textsOf(options.file, rules);
  failed.set(0);
  return {
    name: 'rule files',
    async run({ drain }) {
      for (;;) {
        await clock.sleep(rules.keys.checkEvery, drain);
        if (drain.aborted) return;
        const now = textsOf(options.file, rules);
        if (now === seen) continue;
        seen = now;
        try {
          rules = options.reread!();
          if (versionOf(compiled(rules)) !== schedule.newest().version) await publish(rules);
          failed.set(0);
          reloads.add(1, { outcome: 'ok' });
          // New patterns may name other files than before.
          seen = textsOf(options.file, rules);
        } catch (error) {
          failed.set(1);
          reloads.add(1, { outcome: 'failed' });
          log.error({ error: messageOf(error) }, 'rules not reloaded, keeping the old ones');
        }
      }
    },
  };
}

/** Digest of all that rules are made of. Reading follows links anew, so the swap of a ConfigMap is a change. */
function textsOf(file: string | null, { keys }: RulesConfig): string {
  const folder = file === null ? '.' : dirname(resolve(file));
  const paths = [...(file === null ? [] : [file]), ...ruleFiles(keys, folder)];
  return digest(
    22,
    ...paths.flatMap((path) => {
      try {
        return [path, readFileSync(path, 'utf8')];
      } catch {
        return [path, null];
      }
    }),
  );
}
