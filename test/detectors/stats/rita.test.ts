import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beaconScore } from '../../../detectors/stats/beacon-score.ts';
import type { Flow } from '../../../schema/records.ts';
import { readCase } from '../zeek.ts';

const DAY_SECONDS = 86_400;

/** The score RITA's integration test expects of its known beacon, over the last day of the recording. */
const expected: Readonly<Record<string, number>> = {
  'rita-proxy-beacon': 0.979,
  'rita-missing-host-3days': 0.963,
};

const secondOf = (flow: Flow): number => Math.floor(flow.startMs / 1000);

for (const [name, score] of Object.entries(expected)) {
  test(`the beacon of ${name} scores as RITA says`, (t) => {
    const found = readCase(name);
    // The labelled flows are not part of the project; regularity.test.ts has RITA's own unit values.
    if (found === null) return t.diagnostic('the labelled flows are not beside the repository');
    const end = found.flows.reduce((latest, flow) => Math.max(latest, secondOf(flow)), 0);
    const begin = end - DAY_SECONDS;
    const beacon = found.flows
      .filter((flow) => found.labels.get(flow.id) === 'Malicious' && secondOf(flow) >= begin)
      .filter((flow) => flow.destination.port !== 22)
      .sort((a, b) => a.startMs - b.startMs);
    const times = beacon.map(secondOf);
    const bars = Array.from({ length: 24 }, () => 0);
    for (const time of times) {
      const bar = Math.min(23, Math.floor((time - begin) / 3600));
      bars[bar] = bars[bar]! + 1;
    }
    const sizes = beacon.map((flow) => flow.sourceBytes ?? 0);
    const own = beaconScore({ times, sizes, bars, windowSeconds: DAY_SECONDS });
    // The recording has payload sizes and its own window, so the score is not the same to the last place.
    assert.ok(own !== null && Math.abs(own.score - score) <= 0.015, JSON.stringify(own));
  });
}
