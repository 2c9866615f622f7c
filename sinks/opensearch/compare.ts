import { comparison as compare, type Comparison } from '../bulk/compare.ts';
import { placeOf } from '../bulk/place.ts';
import { connect } from './client.ts';
import type { Options } from './options.ts';
import { setup } from './setup.ts';

/** For `weir check`: what OpenSearch has that differs from what the sink needs. */
export const comparison = (options: Options, tenant: string | null): Comparison =>
  compare({ connect: () => connect(options), setup: setup(options), place: placeOf(options, tenant) });
