import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeLines } from './lines.ts';
import type { BenchRow } from './measure.ts';
import { paths } from './paths.ts';

type PartRun = (file: { path: string; dir: string; count: number }) => Promise<BenchRow[]>;

/** Benches by name. Each runs in a process of its own, so that none inherits another's heap. */
const benches: Readonly<Record<string, () => Promise<{ bench(): Promise<BenchRow[]> }>>> = {
  decode: () => import('./decode.ts'),
  avro: () => import('./avro.ts'),
  enrich: () => import('./enrich.ts'),
  detect: () => import('./detect.ts'),
  rules: () => import('./rules.ts'),
  sort: () => import('./sort.ts'),
  query: () => import('./query.ts'),
  store: () => import('./store.ts'),
  elasticsearch: () => import('./elasticsearch.ts'),
  syslog: () => import('./syslog.ts'),
  kafka: () => import('./kafka.ts'),
  stages: () => import('./stages.ts'),
  collector: () => import('./collector.ts'),
  latency: () => import('./latency.ts'),
};
/** Those made of parts of which each has a process of its own; one part alone is named as in `state:beacon`. */
const parted: Readonly<Record<string, () => Promise<Readonly<Record<string, PartRun>>>>> = {
  paths: async () =>
    Object.fromEntries(Object.entries(paths).map(([part, run]) => [part, async (file) => [await run(file)]])),
  state: async () => (await import('./state.ts')).states,
};
const names = [...Object.keys(benches), ...Object.keys(parted)];

const usage = `npm run bench -- [--quick] [--json FILE] [--lines N] [NAME...]

Measures ${names.join(', ')}; all when none is named. --quick takes one run instead of the best of three and
leaves out what needs a server or long to set up. --lines is how many lines the whole paths read.`;

/** Those against a real broker start it, and wait for groups to join; tables of millions of keys take long to fill. */
const MAX_SECONDS_EACH = 600;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    lines: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
    /** Set on the processes that this one starts. */
    child: { type: 'string' },
    file: { type: 'string' },
    dir: { type: 'string' },
  },
});

if (values.help) process.stdout.write(`${usage}\n`);
else if (values.child !== undefined) await child(values.child);
else await main();

/** Runs one bench and writes its rows as JSON. */
async function child(name: string): Promise<void> {
  const [group, path] = name.split(':') as [string, string | undefined];
  const dir = values.dir!;
  const rows =
    path === undefined
      ? await (await benches[group]!()).bench()
      : await (
          await parted[group]!()
        )[path]!({ path: values.file!, dir, count: Number(values.lines) });
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  writeFileSync(join(dir, 'rows.json'), JSON.stringify(rows.map((row) => ({ peakBytes, ...row }))));
}

async function main(): Promise<void> {
  const unknown = positionals.filter((name) => !names.includes(name.split(':')[0]!));
  if (unknown.length > 0) {
    process.stderr.write(`there is no bench ${unknown.join(', ')}\n\n${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const slow = new Set(['store', 'kafka', 'stages', 'collector', 'latency', 'state']);
  const wanted = positionals.length > 0 ? positionals : names.filter((n) => !values.quick || !slow.has(n));
  const lines = Number(values.lines ?? (values.quick ? 100_000 : 400_000));
  const dir = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  const rows: BenchRow[] = [];
  try {
    for (const name of wanted) {
      const [group, part] = name.split(':') as [string, string | undefined];
      if (!parted[group]) {
        rows.push(...show(await run(name, dir, []), rows));
        continue;
      }
      const file = join(dir, 'netobserv.jsonl');
      if (group === 'paths') writeLines(file, 'netobserv', lines);
      for (const each of part === undefined ? Object.keys(await parted[group]()) : [part])
        rows.push(
          ...show(await run(`${group}:${each}`, dir, ['--file', file, '--lines', String(lines)]), rows),
        );
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report(rows), null, 2)}\n`);
}

async function run(name: string, dir: string, more: readonly string[]): Promise<BenchRow[]> {
  const own = fileURLToPath(import.meta.url);
  const measured = spawn(process.execPath, ['--expose-gc', own, '--child', name, '--dir', dir, ...more], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, WEIR_BENCH_QUICK: values.quick ? '1' : '' },
  });
  const timer = setTimeout(() => measured.kill('SIGKILL'), MAX_SECONDS_EACH * 1000);
  const [code, signal] = (await once(measured, 'exit')) as [number | null, string | null];
  clearTimeout(timer);
  if (code !== 0) {
    process.stderr.write(`${name}: ended with ${signal ?? code}, no figures\n`);
    process.exitCode = 1;
    return [];
  }
  const file = join(dir, 'rows.json');
  const rows = JSON.parse(readFileSync(file, 'utf8')) as BenchRow[];
  rmSync(file);
  if (rows.length === 0) process.stdout.write(`${name}: left out, there is no server to be had\n`);
  return rows;
}

/** Prints rows as they come; a floor is always measured before what is compared with it. */
function show(rows: BenchRow[], before: readonly BenchRow[]): BenchRow[] {
  if (before.length === 0) print('', 'per second', 'CPU-s/M', 'x floor', 'peak MB');
  for (const row of rows) {
    const floor = [...before, ...rows].find(({ name }) => name === row.floor);
    const ratio = floor ? (row.cpuSecondsPerMillion / floor.cpuSecondsPerMillion).toFixed(2) : '';
    print(
      row.name,
      Math.round(row.perSecond).toLocaleString('en'),
      row.cpuSecondsPerMillion.toFixed(2),
      ratio,
      row.peakBytes === undefined ? '' : Math.round(row.peakBytes / 1e6).toString(),
    );
    if (row.note !== undefined) process.stdout.write(`    ${row.note}\n`);
  }
  return rows;
}

function print(name: string, ...figures: string[]): void {
  process.stdout.write(`${name.padEnd(66)}${figures.map((figure) => figure.padStart(12)).join('')}\n`);
}

/** What `--json` writes: the rows with where and when they were measured. */
function report(rows: readonly BenchRow[]): object {
  const [processor] = cpus();
  return {
    measured: new Date().toISOString(),
    node: process.version,
    processor: processor?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    rows,
  };
}
