/** Writes what is derived from the sources of truth. `--check` fails when a committed file differs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { grafana } from '../dashboards/grafana/weir.ts';
import { savedObjects } from '../dashboards/kibana/objects.ts';
import { everything } from '../dashboards/kibana/place.ts';
import { detectionRules } from '../dashboards/kibana/rules.ts';
import { ndjson } from '../dashboards/kibana/saved-object.ts';
import { ecs } from './generate/ecs.ts';
import { errors } from './generate/errors.ts';
import { fields } from './generate/fields.ts';
import { knownGood } from './generate/known-good.ts';
import { options } from './generate/options.ts';
import { records } from './generate/records.ts';
import { topics } from './generate/topics.ts';

/** Each generator names the file it owns and returns its whole text. */
const outputs: Record<string, () => string | Promise<string>> = {
  'schema/records.ts': records,
  'dashboards/grafana/weir.json': () => `${JSON.stringify(grafana, null, 2)}\n`,
  'dashboards/kibana/rules.ndjson': () => ndjson(detectionRules(everything)),
  'dashboards/kibana/weir.ndjson': () => ndjson(savedObjects(everything)),
  'detectors/known-good/entries.ts': knownGood,
  'docs/reference/ecs.md': ecs,
  'docs/reference/errors.md': errors,
  'docs/reference/options.md': options,
  'docs/reference/records.md': fields,
  'docs/reference/topics.md': topics,
};

const check = process.argv.includes('--check');
let stale = 0;
for (const [path, make] of Object.entries(outputs)) {
  const text = await make();
  let current = '';
  try {
    current = readFileSync(path, 'utf8');
  } catch {
    // A missing file is a difference like any other.
  }
  if (current === text) continue;
  stale++;
  if (check) console.error(`${path} differs from its source: run npm run generate`);
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
if (check && stale > 0) process.exitCode = 1;
