import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/port_scan/index.ts';
import { options } from '../../detectors/port_scan/options.ts';
import { opened, runDetector } from './harness.ts';
import { readCase } from './zeek.ts';

const factory = create(options.parse({}));

/** Scanners by case; every other source of these cases must stay without an alert. */
const expected: Readonly<Record<string, readonly string[]>> = {
  'slips-portscan-vertical': ['192.168.1.9'],
  'slips-portscan-horizontal': ['10.0.2.112'],
  'slips-test11-portscan': ['10.8.0.69'],
  'slips-test12-icmp-scan': ['192.168.1.109'],
  'zeek-simple-scans': ['10.0.0.1', '125.27.226.209', '176.192.150.3', '192.168.2.154'],
  'zeek-backscatter-hard-negative': [],
  'ddos-synflood-spoofed': [],
  'benign-ubuntu-2023-02-20': [],
  'iot-benign': [],
  'k8s-benign-first-half': [],
  'k8s-grafana': [],
  'k8s-node-red-recon': [],
  'slips-test18-remcosrat': [],
  'slips-test19-ssh-bruteforce': [],
  'rita-proxy-beacon': [],
  'rita-proxy-rolling-2h-background': [],
  'c2-sliver_tasks_0': [],
};

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

for (const [name, scanners] of Object.entries(expected)) {
  test(`port_scan names the scanners of ${name} and nobody else`, (t) => {
    const found = readCase(name);
    // The labelled flows are not part of the project; its own scenarios cover the same.
    if (found === null) return t.diagnostic('the labelled flows are not beside the repository');
    const { alerts } = runDetector(factory, found.flows);
    assert.deepEqual(
      [...new Set(opened(alerts).map((alert) => alert.entity.ip ?? ''))].sort(byText),
      scanners,
    );
  });
}
