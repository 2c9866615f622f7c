import type { Case } from './cases.ts';
import { findingsOf } from './findings.ts';
import { watchedHosts } from './hosts.ts';
import { runCase } from './run-case.ts';
import { BUCKET_MS, type Buckets, type Scoring } from './score-case.ts';
import { countLate, countWindows } from './windows.ts';

/** How long the volume detector learns here, and how long its season is. */
export const LEARN_SOON_MS = 7_200_000;

/**
 * Benign buckets that the volume detector flags, and those that it could, when it learns for two hours. By itself it learns for a
 * day, which is as long as most recordings are, so that they would show nothing of it. What it knows of the hours of a week is
 * then only what came before in the same recording: harder than a week is.
 */
export async function learnedSoon(one: Case, scoring: Scoring, stop: AbortSignal): Promise<Buckets> {
  const { flows, alerts } = await runCase(one, stop, (config) => ({
    ...config,
    detectors: config.detectors
      .filter(({ name }) => name === scoring.volumeDetector)
      .map((detector) => ({
        ...detector,
        options: {
          ...(detector.options as Readonly<Record<string, unknown>>),
          learnMs: LEARN_SOON_MS,
          seasonMs: LEARN_SOON_MS,
        },
      })),
  }));
  const hosts = watchedHosts(flows);
  const findings = findingsOf(alerts, new Map(flows.map((flow) => [flow.id, flow])), 'info');
  return {
    judged: countLate(flows, hosts, { windowMs: BUCKET_MS, afterMs: LEARN_SOON_MS }),
    flagged: countWindows(flows, hosts, findings, BUCKET_MS).falsePositives,
  };
}
