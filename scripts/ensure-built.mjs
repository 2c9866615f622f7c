#!/usr/bin/env node
/**
 * Makes a fresh clone runnable: installs the locked dependencies and compiles, each only when needed. Runs before
 * `npm start` and `npm test`, so it depends on nothing but Node, says nothing when nothing is to be done, and
 * reads nothing from standard input.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'dist', '.built');

/** What is installed is what the lock names, apart from packages meant for other machines. */
function installedAsLocked() {
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed) return false;
  const locked = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (!found) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version && existsSync(join(root, path));
  });
}

/** Every file the compiler reads, as tsconfig.json lists them: folders, or `folder/**` patterns. */
export function sources() {
  const folders = readJson(join(root, 'tsconfig.json')).include.map((pattern) => pattern.split('/')[0]);
  /** @type {string[]} */
  const files = [];
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (path.endsWith('.ts') || path.endsWith('.json')) files.push(path);
    }
  };
  for (const folder of folders) if (existsSync(join(root, folder))) walk(join(root, folder));
  return files.sort();
}

/** Digest of all that decides what `dist` should hold. */
function digest() {
  const hash = createHash('sha256').update(process.version.split('.')[0]);
  for (const file of [join(root, 'tsconfig.json'), join(root, 'package-lock.json'), ...sources()]) {
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/** Removes compiled files whose source is gone, so that a deleted test does not run on. */
function removeOrphans() {
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        walk(path);
        if (readdirSync(path).length === 0) rmSync(path, { recursive: true });
        continue;
      }
      const source = join(root, relative(join(root, 'dist'), path)).replace(/\.js(\.map)?$/, '.ts');
      if (path !== stamp && !existsSync(source)) rmSync(path);
    }
  };
  walk(join(root, 'dist'));
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function run(what, command, args) {
  const startedAt = Date.now();
  console.error(`weir: ${what} …`);
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) fail(`${what}: could not start ${command}: ${result.error.message}`);
  if (result.status !== 0) fail(`${what} failed (${result.signal ?? `exit code ${result.status}`})`);
  console.error(`weir: ${what} took ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

function fail(message) {
  console.error(`weir: ${message}`);
  process.exit(1);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Node.js 20.19 or later is needed, this is ${process.versions.node}`);
}

export function ensureBuilt() {
  checkNode();
  if (!installedAsLocked()) {
    const npm = process.env.npm_execpath;
    const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
    if (npm?.endsWith('.js')) run('installing dependencies', process.execPath, [npm, ...args]);
    else run('installing dependencies', 'npm', args);
  }
  const wanted = digest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && statSync(stamp).size > 0) return;
  const typescript = readJson(join(root, 'node_modules', 'typescript', 'package.json'));
  run('compiling', process.execPath, [join(root, 'node_modules', 'typescript', typescript.bin.tsc)]);
  removeOrphans();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) ensureBuilt();
