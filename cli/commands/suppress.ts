import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { narrowestQuery } from '../../incidents/narrow.ts';
import { MAX_AHEAD_MS } from '../../incidents/suppress.ts';
import { parseDuration } from '../../pipeline/units.ts';
import { Severities } from '../../schema/records.ts';
import { countText } from '../format/units.ts';
import { askedOptions, askedUsage, forensics, print } from './ask.ts';
import { exit, UsageError, type Command } from './command.ts';

const usage = `weir suppress --from ALERT --reason TEXT --by WHO [--for 30d]

Prints the narrowest suppression that hides an alert and what comes of the same cause, for the section
suppressions of the configuration, and how many alerts of the last 7 days it would have hidden.

  --from ALERT      the id that weir alerts list shows
  --reason TEXT     why these alerts need nobody
  --by WHO          who decided it
  --for DURATION    how long, at most 90d (default 30d)
${askedUsage}`;

const WEEK_MS = 7 * 86_400_000;

/** An id may begin with a dash, and is no option then. */
function withPlainFrom(args: readonly string[]): string[] {
  const at = args.indexOf('--from');
  const id = args[at + 1];
  return at < 0 || id === undefined
    ? [...args]
    : [...args.slice(0, at), `--from=${id}`, ...args.slice(at + 2)];
}

export const suppress: Command = {
  summary: 'print a suppression for an alert, and what it would have hidden',
  usage,
  async run(args, world) {
    const { values } = parseArgs({
      args: withPlainFrom(args),
      options: {
        from: { type: 'string' },
        reason: { type: 'string' },
        by: { type: 'string' },
        for: { type: 'string' },
        ...askedOptions,
      },
    });
    const { from: id, reason, by } = values;
    if (id === undefined) throw new UsageError('which alert? Give --from ID, which weir alerts list shows');
    if (reason === undefined || by === undefined)
      throw new UsageError('a suppression says why and who: give --reason TEXT and --by WHO');
    const forMs = parseDuration(values.for ?? '30d');
    if (forMs === null || forMs > MAX_AHEAD_MS)
      throw new UsageError(`--for ${values.for}: expected a duration of at most 90d`);
    const answering = await forensics(values, world);
    try {
      const alert = (await answering.from.alert(id)).at(-1);
      if (alert === undefined) {
        world.stderr.write(`weir: there is no alert ${id}\n`);
        return exit.failed;
      }
      const where = narrowestQuery(alert);
      const toMs = answering.replayed ? null : world.clock.now();
      const found = await answering.from.alerts({
        where,
        limit: null,
        fromMs: toMs === null ? null : toMs - WEEK_MS,
        toMs: null,
      });
      const isCritical = alert.severity === 'critical';
      const suppression = {
        name: `${alert.detector}-${id.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 8)}`,
        where,
        until: new Date(world.clock.now() + forMs).toISOString().slice(0, 10),
        reason,
        by,
        ...(isCritical ? { includeCritical: true } : {}),
      };
      const hidden = found.filter(({ severity }) => isCritical || severity !== 'critical');
      const bySeverity = Severities.toReversed()
        .map((severity) => [severity, hidden.filter((each) => each.severity === severity).length] as const)
        .filter(([, count]) => count > 0)
        .map(([severity, count]) => `${severity} ${count}`);
      const span = answering.replayed ? 'of the replay' : 'of the last 7 days';
      const counted = bySeverity.length > 0 ? ` (${bySeverity.join(', ')})` : '';
      await print(
        world,
        `# would have hidden ${countText(hidden.length, 'alert')} ${span}${counted}\n${stringify({ suppressions: [suppression] }, { lineWidth: 0 })}`,
      );
      return exit.fine;
    } finally {
      await answering.close();
    }
  },
};
