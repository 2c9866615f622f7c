import { test } from 'node:test';
import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { isThere, read } from './tree.ts';

interface Service {
  readonly image?: string;
  readonly build?: unknown;
  readonly command?: unknown;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test?: unknown };
  readonly restart?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition?: string }>>;
}
const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(compose.services);
const runsOnce = ['setup', 'kibana-user', 'kibana-setup'];

test('all parts are there, each role a process of its own', () => {
  for (const name of ['kafka', 'elasticsearch', 'kibana', 'siem', 'setup', 'kibana-setup', 'demo'])
    assert.ok(compose.services[name], name);
  for (const role of ['collector', 'enricher', 'detectors', 'sinks'])
    assert.deepEqual((compose.services[role]!.command as string[]).slice(0, 3), ['run', '--role', role]);
});

test('what keeps running is checked, restarted and waited for', () => {
  for (const [name, service] of services) {
    if (!runsOnce.includes(name)) {
      assert.ok(service.healthcheck?.test, `${name} has no health check`);
      assert.equal(service.restart, 'unless-stopped', name);
    }
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert.ok(compose.services[other], `${name} depends on ${other}`);
      assert.equal(
        condition,
        runsOnce.includes(other) ? 'service_completed_successfully' : 'service_healthy',
        name,
      );
    }
  }
});

test('published ports are on the loopback only, and no password is written down', () => {
  for (const [name, service] of services)
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, `${name} publishes ${port}`);
  const secrets = [...text.matchAll(/(\w*(?:PASSWORD|ENCRYPTION_?KEY|TOKEN|SECRET)\w*):\s*(\S+)/g)];
  assert.ok(secrets.length >= 4);
  for (const [, name, value] of secrets) assert.match(value ?? '', /^\$\{[A-Z_]+:\?/, name);
});

test('every variable is in .env.example, without a value', () => {
  const offered = read('.env.example');
  for (const [, name = ''] of text.matchAll(/(?<!\$)\$\{([A-Z_]+)/g))
    assert.match(offered, new RegExp(`^${name}=$`, 'm'));
});

test('volumes are declared and used, and mounted files exist', () => {
  const used = new Set<string>();
  for (const [name, service] of services) {
    for (const volume of service.volumes ?? []) {
      const [from = ''] = volume.split(':');
      if (from.startsWith('./deploy/')) assert.ok(isThere(from), `${name} mounts ${from}`);
      else if (!from.startsWith('.')) used.add(from);
    }
  }
  assert.deepEqual([...used].toSorted(), Object.keys(compose.volumes).toSorted());
});

test('images are pinned, and the image runs as nobody in particular', () => {
  for (const [name, { image }] of services) assert.match(image ?? '', /:(\d+\.\d+|local)/, name);
  const dockerfile = read('Dockerfile');
  assert.match(dockerfile, /^USER 10001:0$/m);
  assert.match(dockerfile, /FROM node:24/);
});
