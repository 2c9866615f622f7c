import type { Comparison } from '../../sinks/bulk/compare.ts';
import type { Setup, SetupFor } from '../../sinks/bulk/setup.ts';
import type { SinkConfig } from '../config/index.ts';

/** A type of sink that `weir setup` prepares and `weir check` compares; its code is loaded when it is needed. */
interface Far {
  setup(options: unknown, about: SetupFor): Promise<Setup>;
  compare(options: unknown, tenant: string | null): Promise<Comparison>;
}

export const bulkSinks: Readonly<Record<string, Far>> = {
  elasticsearch: {
    setup: async (options, about) =>
      (await import('../../sinks/elasticsearch/setup.ts')).setup(options as never, about),
    compare: async (options, tenant) =>
      (await import('../../sinks/elasticsearch/compare.ts')).comparison(options as never, tenant),
  },
  opensearch: {
    setup: async (options, about) =>
      (await import('../../sinks/opensearch/setup.ts')).setup(options as never, about),
    compare: async (options, tenant) =>
      (await import('../../sinks/opensearch/compare.ts')).comparison(options as never, tenant),
  },
};

/** What `weir check` asks of a sink's cluster; null for a sink that has none. */
export const comparisonOf = async (sink: SinkConfig): Promise<Comparison | null> =>
  (await bulkSinks[sink.type]?.compare(sink.options, sink.tenant)) ?? null;
