import type { Context, Sink } from '../../pipeline/contracts.ts';
import { WeirError, messageOf, type Refusal } from '../../pipeline/errors.ts';
import { authorization } from '../http/authorization.ts';
import { httpClient } from '../http/client.ts';
import { throwRefusals, verdictError, verdictOf, type Verdict } from '../http/errors.ts';
import { findingOf, type Finding, type PostedAlert } from './encode.ts';
import type { Options } from './options.ts';

/** Alerts in one request. */
const MAX_ALERTS = 500;

/**
 * Tells Alertmanager of alerts and incidents, and of their end. A write resolves when one Alertmanager of the cluster has
 * answered 200 and every other was told; they are one alert however often they are told. Open ones are told again, as Alertmanager
 * keeps them in memory alone.
 */
export function create(options: Options, context: Context): Sink {
  const client = httpClient(options, { sink: context.name, logger: context.log });
  const headers = { 'content-type': 'application/json', ...authorization(options.auth) };
  const labels = { sink: context.name };
  const forgotten = context.meter.counter(
    'alertmanager_open_forgotten_total',
    'Open alerts that are no longer told again, because there are too many.',
    ['sink'],
  );
  /** Oldest first. */
  const open = new Map<string, Finding>();
  let ending: AbortController | null = null;
  let telling: Promise<void> = Promise.resolve();

  const address = (base: string, path: string): string => `${base.replace(/\/+$/, '')}/api/v2/${path}`;

  /** The best answer of the cluster: null as soon as one of them has taken it. */
  async function post(alerts: readonly PostedAlert[], signal: AbortSignal): Promise<Verdict | null> {
    const body = JSON.stringify(alerts);
    const verdicts = await Promise.all(
      options.urls.map(async (base): Promise<Verdict | null> => {
        try {
          const reply = await client.send(
            { method: 'POST', url: address(base, 'alerts'), headers, body },
            signal,
          );
          return verdictOf(reply, base);
        } catch (error) {
          if (signal.aborted || !(error instanceof WeirError)) throw error;
          return { retryable: true, code: error.code, reason: error.message };
        }
      }),
    );
    const refused = verdicts.filter((verdict) => verdict !== null);
    if (refused.length < verdicts.length) return null;
    return refused.find(({ retryable }) => retryable) ?? refused[0]!;
  }

  function remember(finding: Finding): void {
    // Told anew it goes to the end.
    open.delete(finding.key);
    if (!finding.isOpen || !finding.isLasting) return;
    open.set(finding.key, finding);
    const oldest = open.keys().next().value;
    if (open.size <= options.maxOpen || oldest === undefined) return;
    open.delete(oldest);
    forgotten.add(1, labels);
  }

  async function tellAgain(signal: AbortSignal): Promise<void> {
    const untilMs = context.clock.now() + options.holdMs;
    const alerts = [...open.values()].map((finding) => finding.alertUntil(untilMs));
    for (let at = 0; at < alerts.length; at += MAX_ALERTS) {
      const verdict = await post(alerts.slice(at, at + MAX_ALERTS), signal);
      if (verdict !== null)
        context.log.warn(
          { sink: context.name, reason: verdict.reason },
          'open alerts could not be told again',
        );
    }
  }

  async function keepTelling(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await context.clock.sleep(options.resendMs, signal);
      if (signal.aborted) return;
      await tellAgain(signal).catch((error: unknown) => {
        if (!signal.aborted)
          context.log.warn(
            { sink: context.name, error: messageOf(error) },
            'open alerts could not be told again',
          );
      });
    }
  }

  return {
    batch: { maxRecords: MAX_ALERTS, maxWaitMs: 500 },
    async start(signal) {
      const verdicts: Verdict[] = [];
      for (const base of options.urls) {
        try {
          const verdict = verdictOf(
            await client.send({ method: 'GET', url: address(base, 'status'), headers }, signal),
            base,
          );
          if (verdict) verdicts.push(verdict);
        } catch (error) {
          if (!(error instanceof WeirError)) throw error;
          verdicts.push({ retryable: true, code: error.code, reason: error.message });
        }
      }
      if (verdicts.length === options.urls.length) throw verdictError(verdicts[0]!);
      ending ??= new AbortController();
      telling = keepTelling(ending.signal);
    },
    async stop() {
      ending?.abort();
      ending = null;
      await telling;
      await client.close();
    },
    async write(items, signal) {
      signal.throwIfAborted();
      const nowMs = context.clock.now();
      const refusals: Refusal[] = [];
      const findings: { index: number; finding: Finding; alerts: readonly PostedAlert[] }[] = [];
      for (const [index, item] of items.entries()) {
        const finding = findingOf(item, options.labels, nowMs);
        if (finding === null)
          refusals.push({
            index,
            retryable: false,
            code: 'record_unencodable',
            reason: `Alertmanager takes alerts and incidents, and this is of kind ${item.kind}`,
          });
        else
          findings.push({
            index,
            finding,
            alerts: [...finding.before, finding.alertUntil(nowMs + options.holdMs)],
          });
      }

      async function tell(some: typeof findings): Promise<void> {
        const verdict =
          some.length === 0
            ? null
            : await post(
                some.flatMap(({ alerts }) => alerts),
                signal,
              );
        if (verdict === null) for (const { finding } of some) remember(finding);
        // Alertmanager names no alert: one that it refuses is found by asking for each alone.
        else if (!verdict.retryable && some.length > 1) for (const each of some) await tell([each]);
        else for (const { index } of some) refusals.push({ index, ...verdict });
      }

      for (const some of inParts(newestOnly(findings))) await tell(some);
      throwRefusals(refusals);
    },
  };
}

/**
 * Of several revisions of a finding the last counts; an earlier one that came after it in one request would open it
 * anew. The earlier ones are as good as told.
 */
function newestOnly<F extends { readonly finding: Finding }>(findings: readonly F[]): F[] {
  const newest = new Map(findings.map((each) => [each.finding.key, each]));
  return findings.filter((each) => newest.get(each.finding.key) === each);
}

function* inParts<F extends { readonly alerts: readonly PostedAlert[] }>(
  findings: readonly F[],
): Generator<F[]> {
  let part: F[] = [];
  let count = 0;
  for (const each of findings) {
    if (count > 0 && count + each.alerts.length > MAX_ALERTS) {
      yield part;
      part = [];
      count = 0;
    }
    part.push(each);
    count += each.alerts.length;
  }
  if (part.length > 0) yield part;
}
