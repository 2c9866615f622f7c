import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCounters } from '../../pipeline/counters.ts';
import { createMeter } from '../../telemetry/meter.ts';

test('metrics of the runtime come out as weir_ names', async () => {
  const meter = createMeter();
  const counters = createCounters(meter, 'sink', 'siem');
  const again = createCounters(meter, 'sink', 'siem');
  counters.received(3);
  again.received(4);
  counters.dropped('tenant', 1);
  counters.tookMs(20);
  counters.inFlight(2);
  const text = await meter.text();
  assert.match(text, /^weir_received_total\{role="sink",component="siem"\} 7$/m);
  assert.match(text, /^weir_dropped_total\{role="sink",component="siem",reason="tenant"\} 1$/m);
  assert.match(text, /^weir_in_flight\{role="sink",component="siem"\} 2$/m);
  assert.match(text, /^weir_duration_seconds_bucket\{le="0\.05",role="sink",component="siem"\} 1$/m);
  assert.match(text, /^weir_process_cpu_seconds_total /m);
  assert.match(meter.contentType, /^text\/plain/);
});

test('label sets are bounded and what is beyond is counted', async () => {
  const meter = createMeter({ maxLabelSets: 10, processMetrics: false });
  const counter = meter.counter('reasons_total', 'x', ['reason']);
  for (let n = 0; n < 100; n++) counter.add(1, { reason: `r${n}` });
  counter.add(5, { reason: 'r0' });
  const text = await meter.text();
  assert.equal(text.match(/^weir_reasons_total\{/gm)?.length, 10);
  assert.match(text, /^weir_reasons_total\{reason="r0"\} 6$/m);
  assert.match(text, /^weir_label_sets_dropped_total\{metric="reasons_total"\} 90$/m);
});

test('addresses and names of what was observed cannot become labels', async () => {
  const meter = createMeter({ processMetrics: false });
  for (const label of ['ip', 'pod', 'namespace', 'hostname', 'addresses']) {
    assert.throws(() => meter.counter('bad_total', 'x', [label]), /would name what was observed/);
  }
  const errors = meter.counter('places_total', 'x', ['place']);
  for (const place of ['10.1.2.3', 'fe80::1', 'tcp://192.0.2.7:514', '10.1.2.3:80']) errors.add(1, { place });
  errors.add(1, { place: 'version-1.2.3' });
  const text = await meter.text();
  assert.doesNotMatch(text, /10\.1\.2\.3|fe80|192\.0\.2/);
  assert.match(text, /place="version-1\.2\.3"/);
});

test('one name is one metric', () => {
  const meter = createMeter({ processMetrics: false });
  meter.counter('a_total', 'x', ['role']);
  assert.throws(() => meter.gauge('a_total', 'x', ['role']), /is a counter/);
  assert.throws(() => meter.counter('a_total', 'x', ['code']), /of \(role\)/);
});

test('label values are escaped', async () => {
  const meter = createMeter({ processMetrics: false });
  meter.gauge('g', 'x', ['reason']).set(1, { reason: 'a"b\\c\nd' });
  assert.match(await meter.text(), /^weir_g\{reason="a\\"b\\\\c\\nd"\} 1$/m);
});
