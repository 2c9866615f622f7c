import { join } from 'node:path';
import { create as createStoreSink, type StoreSink } from '../../store/sink.ts';
import type { Options as StoreOptions } from '../../store/options.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { Log } from '../../pipeline/log.ts';
import type { LetterBox, LetterQuery } from '../../pipeline/letter-box.ts';
import { runPumps, type Pump } from '../../pipeline/lifecycle.ts';
import type { Sink } from '../../pipeline/contracts.ts';
import { compileQuery } from '../../query/index.ts';
import { digest } from '../../schema/ids.ts';
import { newAccess, type Alert } from '../../schema/records.ts';
import { telemetryServer } from '../../telemetry/server.ts';
import type { PrometheusMeter } from '../../telemetry/meter.ts';
import { createApi, createLookout, type Lookout } from '../api/server.ts';
import { storeForensics, type Forensics, type LetterSearch, type Running } from '../api/forensics.ts';
import type { Config, SinkConfig } from '../config/index.ts';
import type { IncidentDesk } from './decisions.ts';
import { localLogDir, localRuntime, type WiredSink } from './local.ts';
import { localLogId } from '../../transport/local/index.ts';
import { contextOf, type Shared } from './process.ts';
import { createSink } from './sinks.ts';
import { socketPath, takeStateDir } from './state.ts';

export interface DaemonOptions {
  readonly config: Config;
  readonly shared: Shared & { readonly meter: PrometheusMeter };
  readonly stop: AbortSignal;
  /** Reads the configuration's file again, for what is reloaded while it runs. */
  readonly reread?: () => Config;
  /** Told once everything runs. */
  readonly started: (socket: string) => void;
  /** Looks on from inside the process. */
  readonly onlooker?: (lookout: Lookout) => void;
  /** Other loops that live and die with the process. */
  readonly companions?: readonly Pump[];
}

const GRACE_MS = 25_000;
/** A log that does not answer must not keep the other numbers from who monitors. */
const MEASURE_MS = 2000;

/** All roles in one process until it is told to stop: sources, detectors and sinks over a log of its own. */
export async function runLocal(options: DaemonOptions): Promise<void> {
  const { config, shared } = options;
  const release = await takeStateDir(config.state.dir, config.lanes);
  try {
    const lookout = createLookout();
    const { sinks, store } = await wireSinks(config, shared, await localLogId(localLogDir(config.state.dir)));
    const runtime = await localRuntime(
      {
        config,
        sinks: [...sinks, onlookerSink(lookout)],
        stateDir: config.state.dir,
        follow: true,
        ...(options.reread ? { reread: options.reread } : {}),
        progress(_batch, flows) {
          if (lookout.watched) for (const flow of flows) lookout.show({ flow });
        },
      },
      shared,
    );
    const ending = new AbortController();
    await runtime.start(ending.signal);
    try {
      const socket = socketPath(config.state.dir, config.listen.api?.unix ?? null);
      const { log, letters, desk } = runtime;
      await serve(options, { lookout, store, log, letters, desk, socket }, () =>
        runPumps([...runtime.sources, ...runtime.readers, ...(options.companions ?? [])], {
          stop: options.stop,
          draining: () => ending.abort(),
          graceMs: GRACE_MS,
          clock: shared.clock,
          log: shared.log,
        }),
      );
    } finally {
      await runtime.stop();
    }
  } finally {
    release();
  }
}

interface Served {
  readonly lookout: Lookout;
  /** Null in a role that may not read the topic they are in. */
  readonly letters: LetterBox | null;
  readonly store: (() => Forensics | null) | null;
  readonly log: Pick<Log, 'append'>;
  /** Takes what people decide about incidents; null where none are joined. */
  readonly desk: IncidentDesk | null;
  /** Why the log keeps this process from being ready; empty when it does not. */
  readonly unready?: () => readonly string[];
  readonly socket: string;
}

/** Runs `body` with the process's own interface and its metrics up. */
export async function serve(
  options: DaemonOptions,
  served: Served,
  body: () => Promise<void>,
): Promise<void> {
  const { config, shared } = options;
  const { clock } = shared;
  const api = createApi({
    path: served.socket,
    running: running(served, shared),
    async asked(action, detail, rows) {
      const timeMs = clock.now();
      const access = newAccess({
        id: digest(22, action, detail, timeMs),
        timeMs,
        user: 'local',
        action,
        detail,
      });
      access.rows = rows;
      access.cluster = config.cluster;
      await served.log.append('access', [{ partition: 0, key: null, value: access }]);
    },
  });
  const telemetry =
    config.listen.metrics === null
      ? null
      : telemetryServer({ listen: config.listen.metrics, metrics: scraped(shared), clock });
  await api.start();
  try {
    await telemetry?.start();
    for (const sink of config.sinks) telemetry?.ready(`sink.${sink.name}`, () => healthy(shared, sink.name));
    telemetry?.ready('log', () => {
      const reasons = served.unready?.() ?? [];
      return reasons.length === 0 ? Promise.resolve() : Promise.reject(new Error(reasons.join('; ')));
    });
    options.onlooker?.(served.lookout);
    options.started(served.socket);
    await body();
  } finally {
    await telemetry?.stop();
    await api.stop();
  }
}

/** What changes with time alone, such as how far a source is behind, is measured when somebody asks. */
function scraped({
  board,
  meter,
  clock,
}: DaemonOptions['shared']): Pick<PrometheusMeter, 'text' | 'contentType'> {
  return {
    contentType: meter.contentType,
    async text() {
      const over = new AbortController();
      await Promise.race([board.read().catch(() => {}), clock.sleep(MEASURE_MS, over.signal)]);
      over.abort();
      return meter.text();
    },
  };
}

async function healthy(shared: Shared, sink: string): Promise<void> {
  const line = (await shared.board.read()).sinks.find(({ name }) => name === sink);
  if (line?.['health'] !== 'ok') throw new Error(`sink ${sink} is ${String(line?.['health'])}`);
}

const queryOf = ({ where, limit }: LetterSearch): LetterQuery => ({
  where: where === '' ? () => true : compileQuery('dead_letter', where),
  limit,
});

function running(served: Served, shared: Shared): Running {
  const letterBox = (): LetterBox => {
    if (served.letters) return served.letters;
    throw new WeirError(
      'not_connected',
      'this process may not read the topic weir.deadletter: ask where the sinks or a collector run',
    );
  };
  const store = (): Forensics => {
    const open = served.store?.() ?? null;
    if (!open)
      throw new WeirError(
        'not_connected',
        'this process has no store open: search where the store sink runs',
      );
    return open;
  };
  return {
    status: () => shared.board.read(),
    observe: (signal) => served.lookout.watch(signal),
    async letters(search) {
      const letters = await letterBox().list(queryOf(search));
      return letters.map((letter) => ({
        ...letter,
        payload: Buffer.from(letter.payload).toString('utf8'),
      }));
    },
    replayLetters: (search, told, signal) => letterBox().replay(queryOf(search), told, signal),
    flows: (search) => store().flows(search),
    completeness: (range) => store().completeness(range),
    alerts: (search) => store().alerts(search),
    alert: (id) => store().alert(id),
    incidents: (search) => store().incidents(search),
    incident: (id) => store().incident(id),
    async decide(wanted) {
      if (served.desk !== null) return served.desk.decide(wanted);
      throw new WeirError(
        'not_connected',
        'this process joins no alerts: ask the one with the role detectors',
      );
    },
  };
}

/** Makes the configured sinks. The first store among them answers searches. */
export async function wireSinks(
  config: Config,
  shared: Shared,
  logId?: string | null,
): Promise<{ sinks: WiredSink[]; store: (() => Forensics | null) | null }> {
  const sinks: WiredSink[] = [];
  let stored: StoreSink | null = null;
  for (const sink of config.sinks) {
    const context = contextOf(shared, sink.name);
    if (sink.type !== 'store') sinks.push({ config: sink, sink: await createSink(sink, context) });
    else {
      const made = createStoreSink(storeOptions(config, sink), {
        ...context,
        ...(logId === undefined ? {} : { logId }),
      });
      stored ??= made;
      sinks.push({ config: sink, sink: made });
    }
  }
  const first = stored;
  return {
    sinks,
    store:
      first &&
      (() => {
        const open = first.store();
        return open && storeForensics(open);
      }),
  };
}

/** The store lies in the state directory unless it is configured elsewhere. */
export function storeOptions(config: Config, sink: SinkConfig): StoreOptions {
  const options = sink.options as StoreOptions;
  return { ...options, dir: options.dir ?? join(config.state.dir, 'store') };
}

/** Alerts reach who looks on the way they reach a sink. */
function onlookerSink(lookout: Lookout): WiredSink {
  const sink: Sink = {
    batch: { maxRecords: 500, maxWaitMs: 50 },
    async write(items) {
      for (const { kind, record } of items) if (kind === 'alert') lookout.show({ alert: record as Alert });
    },
  };
  return {
    config: {
      name: 'observe',
      type: 'observe',
      options: {},
      records: { alert: { where: null } },
      tenant: null,
      heartbeatMs: null,
      queue: null,
    },
    sink,
  };
}
