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
const names = [...Object.keys(benches), 'paths'];

const usage = `npm run bench -- [--quick] [--json FILE] [--lines N] [NAME...]

Measures ${names.join(', ')}; all when none is named. --quick takes one run instead of the best of three and
leaves out what needs a server or long to set up. --lines is how many lines the whole paths read.`;

/** Those against a real broker start it, and wait for groups to join. */
const MAX_SECONDS_EACH = 300;

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
      : [await paths[path]!({ path: values.file!, dir, count: Number(values.lines) })];
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  writeFileSync(join(dir, 'rows.json'), JSON.stringify(rows.map((row) => ({ peakBytes, ...row }))));
}

async function main(): Promise<void> {
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`there is no bench ${unknown.join(', ')}\n\n${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const slow = new Set(['store', 'kafka', 'stages', 'collector', 'latency']);
  const wanted = positionals.length > 0 ? positionals : names.filter((n) => !values.quick || !slow.has(n));
  const lines = Number(values.lines ?? (values.quick ? 100_000 : 400_000));
  const dir = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  const rows: BenchRow[] = [];
  try {
    for (const name of wanted) {
      if (name !== 'paths') rows.push(...show(await run(name, dir, []), rows));
      else {
        const file = join(dir, 'netobserv.jsonl');
        writeLines(file, 'netobserv', lines);
        for (const path of Object.keys(paths))
          rows.push(
            ...show(await run(`paths:${path}`, dir, ['--file', file, '--lines', String(lines)]), rows),
          );
      }
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
