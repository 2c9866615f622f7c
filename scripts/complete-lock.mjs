#!/usr/bin/env node
/**
 * Adds to package-lock.json the per-platform packages that npm left out. Behind a registry mirror that carries only
 * some platforms, `npm install` drops the others from the lock, and `npm ci` then refuses the lock everywhere.
 * Run it after `npm install`; a test says when it is needed. Versions are exact, as their owners name them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const systems = ['darwin', 'linux', 'win32', 'freebsd', 'android', 'openharmony', 'aix', 'sunos', 'netbsd'];
const processors = ['arm64', 'x64', 'arm', 'ppc64', 'riscv64', 's390x', 'ia32', 'loong64'];

const path = join(dirname(dirname(fileURLToPath(import.meta.url))), 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
let added = 0;
for (const [place, owner] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    if (lock.packages[`${place}/node_modules/${name}`] || lock.packages[`node_modules/${name}`]) continue;
    const words = name.split('/').pop().split('-');
    const os = systems.find((system) => words.includes(system));
    const cpu = processors.find((processor) => words.includes(processor));
    if (!os || !cpu || !/^\d/.test(version))
      throw new Error(`${place}: cannot tell which machine ${name} is for`);
    const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc';
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(owner.dev ? { dev: true } : {}),
      ...(os === 'linux' ? { libc: [libc] } : {}),
      license: owner.license,
      optional: true,
      os: [os],
      ...(owner.engines ? { engines: owner.engines } : {}),
    };
    added++;
  }
}
const compare = ([a], [b]) => a.localeCompare(b, 'en');
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(compare));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages added to package-lock.json`);
