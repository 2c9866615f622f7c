#!/usr/bin/env node
/**
 * Runs the compiled tests: unit tests two files at a time, then integration tests one file at a time.
 *
 *   node scripts/run-tests.mjs [--unit | --integration] [--name PATTERN] [--verbose] [PART OF A FILE NAME ...]
 *
 * The last line is `N passed, N failed`, with `, N skipped` where tests were skipped. With CI=true a skipped test
 * is a failure. Exit code 1 on any failure, and when nothing was found to run.
 */
import { readdirSync, existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({
  options: {
    unit: { type: 'boolean' },
    integration: { type: 'boolean' },
    name: { type: 'string' },
    verbose: { type: 'boolean' },
  },
  allowPositionals: true,
});
const strict = process.env.CI === 'true';
const bothKinds = values.unit === values.integration;

/** Compiled tests whose source still exists. */
function testFiles() {
  /** @type {string[]} */
  const found = [];
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (path.endsWith('.test.js')) {
        const name = relative(join(root, 'dist'), path).replace(/\.js$/, '.ts');
        const wanted = positionals.length === 0 || positionals.some((part) => name.includes(part));
        if (wanted && existsSync(join(root, name))) found.push(path);
      }
    }
  };
  const folder = join(root, 'dist', 'test');
  if (existsSync(folder)) walk(folder);
  return found.sort();
}

/** @type {{ passed: number, failed: number, skipped: { name: string, file: string, reason: string }[] }} */
const totals = { passed: 0, failed: 0, skipped: [] };
const failures = [];
/** What a test says of itself that it could not try, in lines that begin so. */
const NOT_TRIED = 'NOT TRIED: ';
const notTried = new Set();

/** Runs files and prints one line a file; details of failures follow at the end. */
async function runFiles(title, files, { concurrency, timeoutMs, forceExit = false }) {
  if (files.length === 0) return;
  console.log(`\n${title}: ${files.length} files`);
  const perFile = new Map();
  const of = (file) => {
    if (!perFile.has(file)) perFile.set(file, { passed: 0, failed: 0, skipped: 0, ms: 0, output: '' });
    return perFile.get(file);
  };
  const stream = run({
    files,
    concurrency,
    timeout: timeoutMs,
    // A client that looks for a server that is gone does not keep a finished file from ending.
    ...(forceExit ? { forceExit } : {}),
    ...(values.name === undefined ? {} : { testNamePatterns: [values.name] }),
  });
  const stack = [];
  let current = null;
  const flush = () => {
    if (current !== null) report(current, of(current));
    // A suite that several files share is told of once for each of them.
    perFile.delete(current);
    current = null;
  };
  const turnTo = (file) => {
    if (file === current) return;
    flush();
    current = file;
  };
  stream.on('test:start', (event) => {
    stack.length = event.nesting;
    stack[event.nesting] = event.name;
  });
  const pathOf = (event) => [...stack.slice(0, event.nesting), event.name].join(' > ');
  const fileOf = (event) => event.file ?? (files.includes(event.name) ? event.name : (current ?? files[0]));
  stream.on('test:pass', (event) => {
    if (event.details?.type === 'suite') return;
    const file = fileOf(event);
    turnTo(file);
    const tally = of(file);
    if (event.nesting === 0) tally.ms += event.details?.duration_ms ?? 0;
    const reason = event.skip ?? event.todo;
    if (reason !== undefined && reason !== false) {
      tally.skipped++;
      totals.skipped.push({
        name: pathOf(event),
        file,
        reason: reason === true || reason === '' ? 'no reason given' : reason,
      });
    } else {
      tally.passed++;
      totals.passed++;
    }
  });
  stream.on('test:fail', (event) => {
    const file = fileOf(event);
    const tally = of(file);
    turnTo(file);
    if (event.nesting === 0) tally.ms += event.details?.duration_ms ?? 0;
    const error = event.details?.error;
    // A parent fails because of its children, which were counted themselves.
    if (error?.failureType === 'subtestsFailed') return;
    if (event.details?.type === 'suite' && error?.failureType === undefined) return;
    tally.failed++;
    totals.failed++;
    failures.push({ name: pathOf(event), file, error: error?.cause ?? error, tally });
  });
  for (const kind of ['test:stdout', 'test:stderr']) {
    stream.on(kind, (event) => {
      const tally = of(event.file ?? current ?? files[0]);
      if (tally.output.length < 65_536) tally.output += event.message;
      for (const line of event.message.split('\n')) if (line.startsWith(NOT_TRIED)) notTried.add(line);
      if (values.verbose) process.stdout.write(event.message);
    });
  }
  stream.on('test:diagnostic', (event) => {
    // Node tells of throws after the end of a test this way.
    if (/^(Error|Warning)/.test(event.message))
      of(event.file ?? current ?? files[0]).output += `${event.message}\n`;
  });
  // The stream must be read for it to flow.
  for await (const _ of stream);
  flush();
}

const shortName = (file) => relative(join(root, 'dist'), file).replace(/\.js$/, '');

function report(file, tally) {
  const mark = tally.failed > 0 ? 'FAIL' : 'ok  ';
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
  const failed = tally.failed > 0 ? `, ${tally.failed} failed` : '';
  console.log(
    `${mark} ${shortName(file)}  ${tally.passed} passed${failed}${skipped}  ${Math.round(tally.ms)} ms`,
  );
}

const files = testFiles();
const isIntegration = (file) => file.endsWith('.integration.test.js');
if (bothKinds || values.unit) {
  await runFiles(
    'Unit tests',
    files.filter((file) => !isIntegration(file)),
    { concurrency: 2, timeoutMs: 180_000 },
  );
}
if (bothKinds || values.integration) {
  await runFiles('Integration tests', files.filter(isIntegration), {
    concurrency: 1,
    // An end that is only for what hangs: the slowest file takes a few minutes on a machine of its own.
    timeoutMs: 3_600_000,
    forceExit: true,
  });
}

for (const { name, file, error, tally } of failures) {
  console.log(`\nFAILED ${name}\n  in ${shortName(file)}`);
  console.log(inspect(error, { colors: process.stdout.isTTY }).replace(/^/gm, '  '));
  if (tally.output !== '' && !values.verbose) {
    console.log(
      `  output of the file (last 4,000 characters):\n${tally.output.slice(-4000).replace(/^/gm, '  | ')}`,
    );
    tally.output = '';
  }
}
if (totals.skipped.length > 0) {
  console.log(`\nSKIPPED${strict ? ' (a failure, because CI=true)' : ''}:`);
  for (const { name, file, reason } of totals.skipped)
    console.log(`  ${name} (${shortName(file)}): ${reason}`);
}
if (notTried.size > 0) console.log(`\n${[...notTried].join('\n')}`);
if (totals.passed + totals.failed + totals.skipped.length === 0) {
  console.log('\nno test was found to run');
  process.exitCode = 1;
}
if (totals.failed > 0 || (strict && totals.skipped.length > 0)) process.exitCode = 1;
const skipped = totals.skipped.length > 0 ? `, ${totals.skipped.length} skipped` : '';
console.log(`\n${totals.passed} passed, ${totals.failed} failed${skipped}`);
