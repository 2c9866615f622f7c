import { existsSync, statSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../pipeline/errors.ts';
import { Severities, type Severity } from '../schema/records.ts';
import { replayConfig } from '../cli/wire/replay.ts';
import { exit } from '../cli/commands/command.ts';
import { anchors, targets } from './anchors.ts';
import { CROWD } from './attacks.ts';
import { listCases } from './cases.ts';
import { GROUP_GAP_MS } from './findings.ts';
import { WATCHED_SHARE } from './hosts.ts';
import { LEARN_SOON_MS, learnedSoon } from './learned-soon.ts';
import { LEAST_CONNECTIONS } from './pairs.ts';
import { reportLines, type Failed, type Report } from './report.ts';
import { runCase } from './run-case.ts';
import { BORDER_MS, BUCKET_MS, defaultScoring, HOUR_MS, scoreCase, type CaseScore } from './score-case.ts';
import { totalsOf } from './totals.ts';

const usage = `npm run evaluate -- DIR [--json FILE] [--only TEXT] [--severity NAME]

Replays the labelled recordings of a directory through every detector as it is by default, and says what was found,
how soon, and what was raised for nothing. docs/detection.md says how each number is made.

  DIR              holds NAME.conn.log[.gz] and NAME.labels.csv[.gz] (uid,label,detail), and may hold index.json
  --json FILE      also write all of it as JSON
  --only TEXT      only cases whose name contains it
  --severity NAME  least severity that counts: ${Severities.join(', ')}; low when absent`;

async function main(): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        only: { type: 'string', default: '' },
        severity: { type: 'string', default: defaultScoring.least },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return wrongUse(messageOf(error));
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return exit.fine;
  }
  const [directory] = positionals;
  if (directory === undefined || positionals.length > 1) return wrongUse('one directory is expected');
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    return wrongUse(`${directory} is no directory`);
  if (!(Severities as readonly string[]).includes(values.severity))
    return wrongUse(`"${values.severity}" is no severity, expected one of ${Severities.join(', ')}`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const report = await evaluate(directory, values.only, values.severity as Severity, stop.signal);
  process.stdout.write(`${reportLines(report).join('\n')}\n`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify(asJson(report, directory), null, 2)}\n`);
  if (report.cases.length === 0) return exit.failed;
  return report.failed.length > 0 ? exit.partly : exit.fine;
}

function wrongUse(problem: string): number {
  process.stderr.write(`${problem}\n\n${usage}\n`);
  return exit.usage;
}

async function evaluate(
  directory: string,
  only: string,
  least: Severity,
  stop: AbortSignal,
): Promise<Report> {
  const { cases, notes } = listCases(directory);
  const scored: CaseScore[] = [];
  const anySeverity: CaseScore[] = [];
  const failed: Failed[] = [];
  const scoring = { ...defaultScoring, least };
  for (const one of cases.filter(({ name }) => name.includes(only))) {
    if (stop.aborted) break;
    const begun = process.hrtime.bigint();
    try {
      const ran = await runCase(one, stop);
      const soon = await learnedSoon(one, scoring, stop);
      const score = scoreCase(one, ran, scoring, soon);
      scored.push(score);
      anySeverity.push(scoreCase(one, ran, { ...scoring, least: 'info' }, soon));
      const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
      process.stderr.write(`${one.name}: ${score.flows} flows, ${seconds.toFixed(1)} s\n`);
    } catch (error) {
      failed.push({ name: one.name, reason: messageOf(error) });
      process.stderr.write(`${one.name}: not scored: ${messageOf(error)}\n`);
    }
  }
  return {
    cases: scored,
    anySeverity,
    failed,
    notes,
    thresholds: thresholdsInUse(),
    scoring: scoringInUse(scoring),
  };
}

/** The options of every detector that runs, as the configuration of a replay has them. */
function thresholdsInUse(): Report['thresholds'] {
  const { detectors } = replayConfig({ source: 'zeek_conn' }, ['-'], {});
  return Object.fromEntries(
    detectors.map(({ name, options }) => [name, options as Readonly<Record<string, unknown>>]),
  );
}

const scoringInUse = (scoring: typeof defaultScoring): Report['scoring'] => ({
  least_severity: scoring.least,
  beacon_detector: scoring.beaconDetector,
  volume_detector: scoring.volumeDetector,
  beacon_pair_connections: LEAST_CONNECTIONS,
  host_window_ms: HOUR_MS,
  volume_bucket_ms: BUCKET_MS,
  volume_learned_soon_ms: LEARN_SOON_MS,
  recording_gap_ms: BORDER_MS,
  group_gap_ms: GROUP_GAP_MS,
  crowd_initiators: CROWD,
  watched_share: WATCHED_SHARE,
});

function asJson(report: Report, directory: string): object {
  const heldOut = report.cases.filter(({ tuned }) => !tuned);
  return {
    directory,
    measured: new Date().toISOString(),
    node: process.version,
    totals: totalsOf(report.cases),
    totalsAnySeverity: totalsOf(report.anySeverity),
    totalsHeldOut: totalsOf(heldOut),
    ...report,
    targets,
    anchors,
  };
}

process.exitCode = await main();
