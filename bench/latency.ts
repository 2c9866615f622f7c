import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { quantile } from 'simple-statistics';
import { options as elasticsearchOptions } from '../sinks/elasticsearch/options.ts';
import { setup } from '../sinks/elasticsearch/setup.ts';
import { elasticsearch, type Elasticsearch } from '../test/services/elasticsearch.ts';
import { lineMaker } from './lines.ts';
import type { BenchRow } from './measure.ts';

const PER_SECOND = 5000;
/** Until the process has started, compiled and caught up. */
const WARM_UP_SECONDS = 20;
const SECONDS = 60;
/** At most so long afterwards for the last alerts. */
const COOL_DOWN_MS = 60_000;
/** The lines are written in order; those of agents come up to 15 s late, which is what is waited for by default. */
const DISORDER_MS = 2000;
/** Flows that make an alert, one a second, each of a source of its own. */
const ALERT_PORT = 4444;
const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));

/**
 * How long a flow takes from the file that `weir run` reads to being found in a real Elasticsearch, and an alert to a SIEM, at
 * 5,000 flows a second with every role in one process and the server on the same machine. Empty where there is none.
 */
export async function bench(): Promise<BenchRow[]> {
  const ends: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ends.push(fn), skip: () => {} };
  const dir = mkdtempSync(join(tmpdir(), 'weir-bench-latency-'));
  try {
    const server = await elasticsearch(scope);
    return server ? await rows(server, dir) : [];
  } finally {
    for (const end of ends.reverse()) await end();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function rows(server: Elasticsearch, dir: string): Promise<BenchRow[]> {
  await prepare(server);
  const siem = await receiver();
  const path = join(dir, 'flows.jsonl');
  const config = join(dir, 'weir.json');
  writeFileSync(path, '');
  writeFileSync(config, JSON.stringify(configOf(server.url, siem.port, path, dir)));
  const weir = spawn(process.execPath, [main, 'run', '--config', config], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = once(weir, 'exit');
  const polling = new AbortController();
  const found = watch(server, polling.signal);
  try {
    const written = await feed(path, ({ alerts }) => alerts.every(({ source }) => siem.seen.has(source)));
    polling.abort();
    const searchable = waits(written.batches, await found);
    const alerts = written.alerts.flatMap(({ source, atMs }) => {
      const seenMs = siem.seen.get(source);
      return seenMs === undefined ? [] : [seenMs - atMs];
    });
    return [
      row('flow written to found in Elasticsearch', searchable),
      row('flow written to its alert at the SIEM', alerts),
      row(
        'watermark past the flow to its alert at the SIEM',
        alerts.map((ms) => ms - DISORDER_MS),
      ),
    ];
  } finally {
    polling.abort();
    weir.kill('SIGTERM');
    await exited;
    siem.close();
  }
}

/** Templates, as the server can take them. */
async function prepare({ url, request, adapt }: Elasticsearch): Promise<void> {
  const far = setup(elasticsearchOptions.parse({ nodes: [url] }));
  const { requests } = await far.plan(new AbortController().signal);
  for (const { method, path, body } of requests) await request(method, path, adapt(body));
  await far.close();
}

function configOf(elastic: string, siemPort: number, path: string, dir: string): object {
  return {
    version: 1,
    cluster: 'bench',
    state: { dir: join(dir, 'state') },
    sources: {
      flows: { type: 'netobserv', disorder: DISORDER_MS, from: { file: { path, startAt: 'beginning' } } },
    },
    networks: { internal: ['10.0.0.0/8'] },
    rules: {
      inline: [
        {
          name: 'called',
          where: `destination.port : ${ALERT_PORT}`,
          groupBy: ['source.ip'],
          when: { count: '>= 1', within: '1m' },
          severity: 'high',
          message: 'called by {source.ip}',
        },
      ],
    },
    sinks: {
      elastic: { type: 'elasticsearch', nodes: [elastic], records: { flow: {}, alert: {} } },
      siem: {
        type: 'syslog',
        to: [`tcp://127.0.0.1:${siemPort}`],
        format: 'json',
        records: { alert: { where: 'detector : rule' } },
      },
    },
    log: { level: 'warn' },
  };
}

/** A SIEM that remembers when it first heard of each source. */
async function receiver(): Promise<{ port: number; seen: Map<string, number>; close(): void }> {
  const seen = new Map<string, number>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const [, source] of data.toString('latin1').matchAll(/called by ([\d.]+)/g))
        if (source !== undefined && !seen.has(source)) seen.set(source, Date.now());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, seen, close: () => void server.close() };
}

interface Written {
  /** How many flows there were after each append, and when; after the warm-up. */
  readonly batches: { count: number; atMs: number }[];
  readonly alerts: { source: string; atMs: number }[];
}

/**
 * Appends ten times a second, by the clock. What is written after the measured time is not counted, and goes on until
 * `isOver`: event time stands still where nothing more is written.
 */
async function feed(path: string, isOver: (written: Written) => boolean): Promise<Written> {
  const next = lineMaker('netobserv');
  const written: Written = { batches: [], alerts: [] };
  const beganMs = Date.now();
  const fromMs = beganMs + WARM_UP_SECONDS * 1000;
  const toMs = fromMs + SECONDS * 1000;
  let count = 0;
  for (
    let nowMs = beganMs;
    nowMs < toMs || (nowMs < toMs + COOL_DOWN_MS && !isOver(written));
    nowMs = Date.now()
  ) {
    const isMeasured = nowMs >= fromMs && nowMs < toMs;
    const due = Math.floor((PER_SECOND * (nowMs - beganMs)) / 1000);
    let text = '';
    for (; count < due; count++) {
      const isAlert = isMeasured && count % PER_SECOND === 0;
      const source = `10.200.${(count / PER_SECOND) >> 8}.${(count / PER_SECOND) & 255}`;
      text += `${lineAt(next(), nowMs, isAlert ? source : null)}\n`;
      if (isAlert) written.alerts.push({ source, atMs: nowMs });
    }
    appendFileSync(path, text);
    if (isMeasured) written.batches.push({ count, atMs: Date.now() });
    await sleep(100);
  }
  return written;
}

/** A made-up line as if it had been observed now; from a source to the port that makes an alert, where one is given. */
function lineAt(line: string, nowMs: number, source: string | null): string {
  const raw = JSON.parse(line) as Record<string, unknown>;
  raw['TimeFlowStartMs'] = nowMs - 1;
  raw['TimeFlowEndMs'] = nowMs;
  if (source !== null) Object.assign(raw, { SrcAddr: source, DstPort: ALERT_PORT });
  return JSON.stringify(raw);
}

/** How many flows are found, asked five times a second. */
async function watch(
  { request }: Elasticsearch,
  signal: AbortSignal,
): Promise<{ count: number; atMs: number }[]> {
  const found: { count: number; atMs: number }[] = [];
  while (!signal.aborted) {
    const askedMs = Date.now();
    const answer = (await request('GET', '/logs-weir.flow*/_count?ignore_unavailable=true').catch(
      () => null,
    )) as { count?: number } | null;
    if (answer?.count !== undefined) found.push({ count: answer.count, atMs: askedMs });
    await sleep(200);
  }
  return found;
}

/** For each append: how long until as many flows were found as there were after it. */
function waits(
  batches: readonly { count: number; atMs: number }[],
  found: readonly { count: number; atMs: number }[],
): number[] {
  const out: number[] = [];
  let at = 0;
  for (const { count, atMs } of batches) {
    while (at < found.length && found[at]!.count < count) at++;
    if (at === found.length) break;
    out.push(Math.max(0, found[at]!.atMs - atMs));
  }
  return out;
}

function row(name: string, ms: readonly number[]): BenchRow {
  const told = (p: number): string => (ms.length === 0 ? '-' : (quantile([...ms], p) / 1000).toFixed(1));
  return {
    name: `latency: ${name}, s: p50 ${told(0.5)}, p99 ${told(0.99)}, of ${ms.length}`,
    unit: 'flows',
    perSecond: PER_SECOND,
    cpuSecondsPerMillion: 0,
  };
}
