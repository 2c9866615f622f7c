import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafka, type KafkaService } from '../test/services/kafka.ts';
import { options as schema } from '../transport/kafka/options.ts';
import { setupTopics } from '../transport/kafka/setup.ts';
import { lineMaker } from './lines.ts';
import type { BenchRow } from './measure.ts';

const SECONDS = 20;
const WARM_UP_SECONDS = 5;
const PREFIX = 'collector.';
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));
/** Of `/proc/PID/stat`: a hundredth of a second, and a page. Linux has had no other values for long. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/**
 * `weir run --role collector` as a process of its own, on a file that grows by so many NetObserv lines a second,
 * with a real broker. Empty where there is none to be had, and where there is no /proc.
 */
export async function bench(): Promise<BenchRow[]> {
  const ends: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ends.push(fn), skip: () => {} };
  const dir = mkdtempSync(join(tmpdir(), 'weir-bench-collector-'));
  try {
    if (process.platform !== 'linux') return [];
    const service = await kafka(scope);
    return service ? await rows(service, dir) : [];
  } finally {
    for (const end of ends) await end();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function rows(service: KafkaService, dir: string): Promise<BenchRow[]> {
  const kafkaOptions = { brokers: service.brokers, prefix: PREFIX, lanes: 12 };
  await setupTopics(schema.parse(kafkaOptions), silent, { dryRun: false });
  const path = join(dir, 'flows.jsonl');
  const config = join(dir, 'weir.json');
  writeFileSync(path, '');
  const source = { type: 'netobserv', from: { file: { path, startAt: 'beginning' } } };
  writeFileSync(
    config,
    JSON.stringify({
      version: 1,
      cluster: 'bench',
      state: { dir: join(dir, 'state') },
      kafka: kafkaOptions,
      sources: { flows: source },
      log: { level: 'error' },
    }),
  );
  const collector = spawn(process.execPath, [main, 'run', '--config', config, '--role', 'collector'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = once(collector, 'exit');
  try {
    const next = lineMaker('netobserv');
    const sent = (): Promise<number> => endOf(service);
    const found: BenchRow[] = [];
    for (const perSecond of [0, 1_000, 5_000]) {
      await feed(path, next, perSecond, WARM_UP_SECONDS);
      const before = { flows: await sent(), ...statOf(collector.pid!) };
      const peakBytes = await feed(
        path,
        next,
        perSecond,
        SECONDS,
        () => statOf(collector.pid!).residentBytes,
      );
      const after = { flows: await sent(), ...statOf(collector.pid!) };
      const flows = after.flows - before.flows;
      const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
      const load = `${(cpuSeconds / SECONDS).toFixed(3)} of a core`;
      found.push({
        name: `collector: ${perSecond === 0 ? 'idle' : `${perSecond} flows/s`}, ${load}`,
        unit: 'flows',
        perSecond: flows / SECONDS,
        cpuSecondsPerMillion: flows === 0 ? 0 : (cpuSeconds / flows) * 1e6,
        peakBytes,
      });
    }
    return found;
  } finally {
    collector.kill('SIGTERM');
    await exited;
  }
}

/** Appends ten times a second; gives the greatest of what `sample` said. */
async function feed(
  path: string,
  next: () => string,
  perSecond: number,
  seconds: number,
  sample: () => number = () => 0,
): Promise<number> {
  let most = 0;
  let written = 0;
  const beganMs = Date.now();
  for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = Date.now() - beganMs) {
    // By the clock, so that a machine that is busy catches up.
    const due = Math.floor((perSecond * elapsedMs) / 1000);
    let text = '';
    for (; written < due; written++) text += `${next()}\n`;
    if (text !== '') appendFileSync(path, text);
    most = Math.max(most, sample());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return most;
}

/** How many messages are in `weir.flows`. */
async function endOf(service: KafkaService): Promise<number> {
  const offsets = await service.admin.fetchTopicOffsets(`${PREFIX}weir.flows`);
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

/** CPU time used so far, and the resident size. */
function statOf(pid: number): { cpuSeconds: number; residentBytes: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in parentheses, which may hold blanks: what counts comes after it.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return {
    cpuSeconds: (fields[11]! + fields[12]!) / TICKS_PER_SECOND,
    residentBytes: fields[21]! * PAGE_BYTES,
  };
}
