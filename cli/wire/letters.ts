import { randomUUID } from 'node:crypto';

import type { Delivery, LineDecoder, Sink, SourceType, Stage } from '../../pipeline/contracts.ts';
import { PartialWriteError, messageOf } from '../../pipeline/errors.ts';
import {
  letterBox,
  type LetterBox,
  type LetterScan,
  type LetterTarget,
  type NoTarget,
} from '../../pipeline/letter-box.ts';
import type { Entry, Log } from '../../pipeline/log.ts';
import { anySignal } from '../../pipeline/signals.ts';
import { tenantView } from '../../pipeline/tenant.ts';
import type { DeadLetter, Flow, RecordKind } from '../../schema/records.ts';
import { fromJson } from '../../sinks/records/json.ts';
import type { SinkConfig, SourceConfig } from '../config/index.ts';
import type { Shared } from './process.ts';
import { loadSource } from './sources.ts';

export interface LettersOptions {
  readonly log: Pick<Log, 'append'>;
  readonly scan: LetterScan;
  readonly sinks: readonly { readonly config: SinkConfig; readonly sink: Sink }[];
  /** Takes up flows that were never appended; null where this process may not. */
  readonly flows: FlowIntake | null;
}

export interface FlowIntake {
  readonly sources: readonly SourceConfig[];
  readonly topic: 'flows' | 'enriched';
  readonly stage: Stage<Flow, Flow> | null;
  readonly place: (flow: Flow) => Pick<Entry<Flow>, 'key' | 'partition'>;
}

/** Place of what was replayed, for sinks that pass over offsets they know. */
const REPLAY_TOPIC = 'replay';

/**
 * The dead letters of a process and where they go after all: a record that a sink refused to that sink alone, a line or a
 * flow that was never appended into the log.
 */
export async function wireLetters(options: LettersOptions, shared: Shared): Promise<LetterBox> {
  const now = (): number => shared.clock.now();
  const targets = new Map<string, LetterTarget>();
  for (const { config, sink } of options.sinks)
    targets.set(`sink.${config.name}`, sinkTarget(config, sink, now));
  const { flows } = options;
  const asFlow = flows && flowTarget(options.log, flows);
  for (const source of flows?.sources ?? []) {
    const type = await loadSource(source.type);
    targets.set(
      `source.${source.name}`,
      lineTarget({ source, type, log: options.log, flows: flows! }, shared),
    );
  }
  return letterBox({
    scan: options.scan,
    append: (endings) =>
      options.log.append(
        'deadletter',
        endings.map((value) => ({ partition: 0, key: value.component, value })),
      ),
    now,
    targetOf({ component, kind, code }) {
      if (code === 'record_undecodable')
        return stays('what it holds is no record that this version can read');
      const isSink = component.startsWith('sink.');
      if (kind === 'flow' && !isSink && (component.startsWith('source.') || component === 'enricher'))
        return asFlow ?? notHere(component);
      if (kind !== 'line' && !isSink)
        return stays('it was delivered to every sink; only `weir replay` judges it again');
      return targets.get(component) ?? notHere(component);
    },
  });
}

const stays = (problem: string): NoTarget => ({ problem, isElsewhere: false });
const notHere = (component: string): NoTarget => ({
  problem: `no process that was asked has ${component === 'enricher' ? 'sources' : component}`,
  isElsewhere: true,
});

function sinkTarget(config: SinkConfig, sink: Sink, now: () => number): LetterTarget {
  let last = 0;
  return {
    async deliver(letters, signal) {
      const problems: (string | null)[] = letters.map(() => null);
      const items: Delivery[] = [];
      const places: number[] = [];
      for (const [i, letter] of letters.entries()) {
        try {
          const kind = letter.kind as RecordKind;
          const record = fromJson(kind, Buffer.from(letter.payload).toString('utf8'));
          // The sink may be another tenant's by now.
          const seen = config.tenant === null ? record : tenantView(kind, record, config.tenant);
          if (seen === null || (letter.tenant !== null && letter.tenant !== config.tenant)) {
            problems[i] = `${config.name} is not for the tenant of this record`;
            continue;
          }
          last = Math.max(last + 1, now() * 1000);
          items.push({ kind, record: seen, topic: REPLAY_TOPIC, partition: 0, offset: last, bytes: null });
          places.push(i);
        } catch (error) {
          problems[i] = `it cannot be read: ${messageOf(error)}`;
        }
      }
      if (items.length === 0) return problems;
      try {
        await sink.write(items, signal);
      } catch (error) {
        if (!(error instanceof PartialWriteError)) for (const i of places) problems[i] = messageOf(error);
        else for (const { index, reason } of error.refusals) problems[places[index]!] = reason;
      }
      return problems;
    },
  };
}

async function append(
  flows: readonly Flow[],
  { log, to }: { readonly log: Pick<Log, 'append'>; readonly to: FlowIntake },
  signal: AbortSignal,
): Promise<void> {
  const enriched = to.stage ? await to.stage.apply(flows, signal) : flows;
  await log.append(
    to.topic,
    enriched.map((value) => ({ ...to.place(value), value })),
  );
}

/** One after the other: what one of them fails with is its own. */
async function eachAlone(
  letters: readonly DeadLetter[],
  take: (letter: DeadLetter) => Promise<string | null>,
): Promise<(string | null)[]> {
  const problems: (string | null)[] = [];
  for (const letter of letters) problems.push(await take(letter).catch((error: unknown) => messageOf(error)));
  return problems;
}

function flowTarget(log: Pick<Log, 'append'>, to: FlowIntake): LetterTarget {
  return {
    deliver: (letters, signal) =>
      eachAlone(letters, async ({ payload }) => {
        await append([fromJson('flow', Buffer.from(payload).toString('utf8'))], { log, to }, signal);
        return null;
      }),
  };
}

/** Decodes a line alone, as it would be now; what its wrapper said of time and machine is not known any more. */
function lineTarget(
  parts: {
    readonly source: SourceConfig;
    readonly type: SourceType;
    readonly log: Pick<Log, 'append'>;
    readonly flows: FlowIntake;
  },
  shared: Shared,
): LetterTarget {
  const { source, type, log, flows: to } = parts;
  return {
    deliver: (letters, signal) =>
      eachAlone(letters, async (letter) => {
        if (letter.position === null || letter.origin === null) return 'its place in the origin is not known';
        const decoder: LineDecoder = type.decoder(source.options, {
          origin: letter.origin,
          place: letter.origin,
          cluster: source.cluster,
          node: source.node,
          receivedMs: () => letter.timeMs,
        });
        const flows: Flow[] = [];
        const rejected: string[] = [];
        const out = {
          flow: (flow: Flow) => void flows.push(flow),
          reject: ({ reason }: { reason: string }) => void rejected.push(reason),
          loss() {},
        };
        const text = Buffer.from(letter.payload).toString('utf8');
        decoder.decode({ position: letter.position, text, timeMs: null, node: null, cluster: null }, out);
        decoder.atEnd?.(shared.clock.now(), true, out);
        if (rejected[0] !== undefined) return rejected[0];
        if (flows.length > 0) await append(flows, { log, to }, signal);
        return null;
      }),
  };
}

/** Nothing new for so long, though more was said to be there: the rest was deleted meanwhile. */
const SILENCE_MS = 15_000;
const HEARTBEAT_MS = 3000;

/** Goes through the topic with a group of its own, which is never committed. */
export function topicScan(log: Log, groupPrefix: string, shared: Shared): LetterScan {
  return async (visit) => {
    const group = `${groupPrefix}${randomUUID()}`;
    const total = await log.lag(group, ['deadletter']);
    if (total === 0) return;
    const over = new AbortController();
    const progress = { seen: 0, atMs: shared.clock.now(), isVisiting: false };
    const first = new Map<number, number>();
    const watch = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await shared.clock.sleep(1000, over.signal);
        if (!progress.isVisiting && shared.clock.now() - progress.atMs > SILENCE_MS) over.abort();
      }
    };
    const watching = watch();
    try {
      await log.consume(
        {
          group,
          topics: ['deadletter'],
          async handle(batch) {
            progress.isVisiting = true;
            let beatMs = shared.clock.now();
            for (const { value } of batch.entries) {
              if (value) await visit(value);
              if (shared.clock.now() - beatMs < HEARTBEAT_MS) continue;
              beatMs = shared.clock.now();
              await batch.heartbeat();
            }
            progress.isVisiting = false;
            const from = first.get(batch.partition) ?? batch.entries[0]?.offset;
            const last = batch.entries.at(-1)?.offset;
            if (from === undefined || last === undefined) return;
            first.set(batch.partition, last + 1);
            progress.seen += last + 1 - from;
            progress.atMs = shared.clock.now();
            if (progress.seen >= total) over.abort();
          },
        },
        anySignal(over.signal),
      );
    } finally {
      over.abort();
      await watching;
    }
  };
}
