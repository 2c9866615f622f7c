/** Where the configuration learns what there is to configure. */
import { inputs } from '../../collector/inputs/registry.ts';
import { sources } from '../../collector/registry.ts';
import { detectors } from '../../detectors/registry.ts';
import { options as enricher } from '../../enricher/options.ts';
import { sinkKinds } from '../../sinks/base-options.ts';
import { sinks } from '../../sinks/registry.ts';
import { options as store } from '../../store/options.ts';
import { options as kafka } from '../../transport/kafka/options.ts';
import type { Registries } from './schema.ts';

export const registries: Registries = {
  sources,
  inputs,
  detectors,
  // The embedded store is a sink to the configuration, and a folder of its own in the code.
  sinks: { ...sinks, store: { options: store.partial({ dir: true }), defaultRecords: sinkKinds } },
  enricher,
  kafka,
};
