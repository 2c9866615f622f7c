import { userInfo } from 'node:os';
import type { DecisionAction } from '../../incidents/decisions.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { Incident } from '../../schema/records.ts';
import type { Running } from '../api/forensics.ts';
import type { Decided, Wanted } from '../wire/decisions.ts';
import { safeText } from '../format/text.ts';
import { timeText } from '../format/units.ts';
import { forensics, print, runningProcesses } from './ask.ts';
import { exit, UsageError, type World } from './command.ts';

export interface DecisionValues {
  readonly config?: string | undefined;
  readonly replayed?: boolean | undefined;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
}

const actions = { ack: 'acknowledged', close: 'closed' } as const satisfies Record<string, DecisionAction>;

/** `weir incidents ack` and `close`: asks the running process, which writes the decision into the stream. */
export async function decide(
  action: keyof typeof actions,
  id: string | undefined,
  values: DecisionValues,
  world: World,
): Promise<number> {
  if (id === undefined) throw new UsageError('which incident? Give the id that weir incidents list shows');
  if (values.replayed === true)
    throw new UsageError(`a replay is over, nothing of it can be ${actions[action]}`);
  const reason = values.reason?.trim() ?? '';
  if (action === 'close' && reason === '')
    throw new UsageError('an incident that is closed says why: give --reason TEXT');
  const wanted: Wanted = {
    incident: id,
    action: actions[action],
    by: values.by ?? world.env['USER'] ?? userInfo().username,
    reason: reason === '' ? null : reason,
  };
  const { from: processes, banner } = await runningProcesses(values.config, world);
  const known = await newest(id, values, world);
  if (known?.state === 'closed') return refused(`incident ${id} is closed already`, world);
  const decided = await ask(processes, wanted);
  if (decided.state === 'not_open')
    return refused(
      known === null ? `there is no incident ${id}` : `incident ${id} is not open any more`,
      world,
    );
  const what = known === null ? id : `${id}: ${safeText(known.story.summary)}`;
  const where =
    decided.state === 'elsewhere' ? '\nIt is not open in this process; the one that has it takes it up.' : '';
  await print(
    world,
    `${banner ? `${banner}\n` : ''}${action === 'ack' ? 'Acknowledged' : 'Closed'} ${what}\n` +
      `Holds from ${timeText(decided.fromMs)} of event time${nowText(decided)}.${where}\n`,
  );
  return exit.fine;
}

const nowText = ({ joinedToMs }: Decided): string =>
  joinedToMs === null ? '' : `, which has come to ${timeText(joinedToMs)}`;

function refused(why: string, world: World): number {
  world.stderr.write(`weir: ${why}\n`);
  return exit.failed;
}

/** The newest revision in the store; null where none has it, or there is no store here. */
async function newest(id: string, values: DecisionValues, world: World): Promise<Incident | null> {
  try {
    const answering = await forensics({ config: values.config }, world);
    try {
      return (await answering.from.incident(id)).at(-1) ?? null;
    } finally {
      await answering.close();
    }
  } catch (error) {
    if (error instanceof WeirError && error.code === 'not_connected') return null;
    throw error;
  }
}

/** Of several processes the one that joins alerts takes it. */
async function ask(processes: readonly Running[], wanted: Wanted): Promise<Decided> {
  let refusal: unknown = null;
  for (const process of processes) {
    try {
      return await process.decide(wanted);
    } catch (error) {
      if (!(error instanceof WeirError && error.code === 'not_connected')) throw error;
      refusal = error;
    }
  }
  throw refusal;
}
