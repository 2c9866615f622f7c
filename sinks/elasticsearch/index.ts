import type { Context, Sink } from '../../pipeline/contracts.ts';
import { bulkSink } from '../bulk/sink.ts';
import { connect } from './client.ts';
import type { Options } from './options.ts';

/** Writes to Elasticsearch 8 and 9 as `sinks/bulk` says. */
export const create = (options: Options, context: Context): Sink =>
  bulkSink(() => connect(options), options, context);
