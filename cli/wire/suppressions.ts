import { z } from 'zod';
import { createSuppressionSchedule, versionOf, type SuppressionSchedule } from '../../incidents/in-force.ts';
import type { Suppression } from '../../incidents/suppress.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import { digest } from '../../schema/ids.ts';
import type { ControlChannel } from './control.ts';
import type { Shared } from './process.ts';
import { watchFiles } from './watch-files.ts';

const KIND = 'suppressions';

export interface SuppressionsOptions {
  readonly suppressions: readonly Suppression[];
  /** Where changes travel; null where there are none, as in a replay. */
  readonly control: ControlChannel | null;
  /** The configuration's file and how to read its suppressions again; null where there is no file. */
  readonly file: string | null;
  readonly reread: (() => readonly Suppression[]) | null;
  readonly checkEveryMs: number;
  /** How long after it was decided a change begins, so that everybody hears of it before. */
  readonly leadMs: number;
}

/** Which suppressions are in force when, as the stream itself says. */
export interface SuppressionsInForce {
  readonly schedule: SuppressionSchedule;
  /** Makes known what is configured, where that is another; once the control channel has started. */
  start(): Promise<void>;
  readonly pumps: readonly Pump[];
}

const body = z.object({
  suppressions: z.array(
    z.object({
      name: z.string(),
      where: z.string(),
      untilMs: z.number(),
      reason: z.string(),
      by: z.string(),
      ticket: z.string().nullable(),
      includeCritical: z.boolean(),
    }),
  ),
});

/** Suppressions travel as rules do: each change is a record with the event time from which it hides alerts. */
export function suppressionsInForce(options: SuppressionsOptions, shared: Shared): SuppressionsInForce {
  const { control, reread, file } = options;
  const { clock, meter } = shared;
  const schedule = createSuppressionSchedule(options.suppressions);
  const inForce = meter.gauge('suppressions_in_force', 'Suppressions that are configured now or next.');
  inForce.set(options.suppressions.length);
  if (control === null) return { schedule, start: () => Promise.resolve(), pumps: [] };

  let heard = 0;
  control.on(KIND, (record, isNew) => {
    const { suppressions } = body.parse(JSON.parse(record.body));
    inForce.set(suppressions.length);
    if (heard++ === 0) return schedule.begin(suppressions);
    if (!schedule.add(record.timeMs, suppressions) || !isNew) return;
    shared.log.info(
      { suppressions: suppressions.length, from: new Date(record.timeMs).toISOString(), id: record.id },
      'suppressions changed',
    );
  });

  async function publish(suppressions: readonly Suppression[], timeMs: number): Promise<void> {
    const version = versionOf(suppressions);
    const names = suppressions.map(({ name }) => name).join(', ');
    await control!.publish({
      kind: KIND,
      id: `${KIND}-${digest(16, version, timeMs)}`,
      timeMs,
      body: { version, suppressions },
      access: {
        action: 'suppressions_changed',
        detail: `${suppressions.length} suppressions${names && ` (${names})`}, in force from ${new Date(timeMs).toISOString()}`,
      },
    });
  }

  const changed = async (suppressions: readonly Suppression[]): Promise<void> => {
    if (versionOf(suppressions) !== schedule.newest().version)
      await publish(suppressions, clock.now() + options.leadMs);
  };
  return {
    schedule,
    // What is in force from the beginning has no time of its own.
    start: () => (heard === 0 ? publish(options.suppressions, 0) : changed(options.suppressions)),
    pumps:
      reread === null || file === null
        ? []
        : [
            watchFiles(
              {
                what: 'suppressions',
                everyMs: options.checkEveryMs,
                files: () => [file],
                reload: () => changed(reread()),
              },
              shared,
            ),
          ],
  };
}
