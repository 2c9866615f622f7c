import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sourcetypes } from '../../../sinks/splunk_hec/encode.ts';
import { cimFields } from '../../../sinks/splunk_hec/cim.ts';
import { newPolicyChange } from '../../../schema/records.ts';
import { deliveryOf, someFlows } from '../../contracts/sinkContract.ts';
import { anAlert } from '../../helpers/alerts.ts';

const folder = join(import.meta.dirname, '..', '..', '..', '..', 'sinks', 'splunk_hec', 'TA-weir', 'default');

/** Stanzas of a configuration file of Splunk; a line that is neither comment, stanza nor setting is an error. */
function stanzas(name: string): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  let current: Map<string, string> | null = null;
  for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) found.set(header, (current = new Map()));
    else {
      const setting = /^([\w:]+) = (.+)$/.exec(line);
      assert.ok(setting && current, `${name}: ${line}`);
      current.set(setting[1]!, setting[2]!);
    }
  }
  return found;
}

test('the Splunk add-on knows every sourcetype that is sent, and no other', () => {
  assert.deepEqual([...stanzas('props.conf').keys()].sort(), Object.values(sourcetypes).sort());
  for (const [name, settings] of stanzas('eventtypes.conf')) {
    const sourcetype = /sourcetype="([^"]+)"/.exec(settings.get('search') ?? '')?.[1] ?? '';
    assert.ok(Object.values(sourcetypes).includes(sourcetype), `${name}: ${sourcetype}`);
  }
  const types = [...stanzas('eventtypes.conf').keys()];
  for (const name of stanzas('tags.conf').keys())
    assert.ok(types.includes(name.replace('eventtype=', '')), name);
});

/** What the data models need of an event to be more than a row of unknowns. */
const needed: Readonly<Record<string, readonly string[]>> = {
  weir_flow: [
    'action',
    'src',
    'src_ip',
    'src_port',
    'dest',
    'dest_ip',
    'dest_port',
    'transport',
    'dvc',
    'vendor_product',
  ],
  weir_alert: [
    'app',
    'id',
    'type',
    'severity',
    'signature',
    'signature_id',
    'category',
    'ids_type',
    'src',
    'description',
  ],
  weir_change: [
    'action',
    'change_type',
    'command',
    'object',
    'object_category',
    'object_path',
    'status',
    'dvc',
  ],
};

test('each event has the fields that the data models of its tags ask for', () => {
  const change = newPolicyChange({
    id: 'c',
    timeMs: 0,
    cluster: 'test',
    verb: 'patch',
    kind: 'NetworkPolicy',
    name: 'deny-all',
  });
  const items = {
    weir_flow: someFlows(1)[0]!,
    weir_alert: deliveryOf('alert', anAlert(1)),
    weir_change: deliveryOf('policy_change', change),
  };
  for (const [name, item] of Object.entries(items)) {
    const fields = cimFields(item);
    for (const field of needed[name]!)
      assert.ok(fields[field] !== null && fields[field] !== undefined, `${name} lacks ${field}`);
  }
  assert.deepEqual(
    [...(stanzas('tags.conf').get('eventtype=weir_flow')?.keys() ?? [])],
    ['network', 'communicate'],
  );
});
