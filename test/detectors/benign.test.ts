import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectors } from '../../detectors/registry.ts';
import type { DetectorFactory } from '../../pipeline/contracts.ts';
import { opened, runDetector } from './harness.ts';
import { readCase } from './zeek.ts';

/** Detectors about who talks to whom; nothing of what these cases hold is for them. */
const types = [
  'brute_force',
  'control_plane_access',
  'dns_abuse',
  'exfiltration',
  'lateral_movement',
  'new_edge',
  'policy_change',
  'threat_intel',
  'verdict_mismatch',
] as const;

const cases = [
  'benign-ubuntu-2023-02-20',
  'iot-benign',
  'k8s-benign-first-half',
  'zeek-backscatter-hard-negative',
  'rita-proxy-rolling-2h-background',
];

for (const name of cases) {
  test(`who-talks-to-whom detectors are silent on ${name}`, async (t) => {
    const found = readCase(name);
    // The labelled flows are not part of the project; its own scenarios cover the same.
    if (found === null) return t.diagnostic('the labelled flows are not beside the repository');
    for (const type of types) {
      const { options, load } = detectors[type];
      const create = (await load()).create as (options: unknown) => DetectorFactory;
      assert.deepEqual(opened(runDetector(create(options.parse({})), found.flows).alerts), [], type);
    }
  });
}
