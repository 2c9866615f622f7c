import { create, options } from '../../store/sink.ts';
import { sinkContract } from '../contracts/sinkContract.ts';
import { ALL, collect, temporaryDirectory } from './helpers.ts';

sinkContract({
  name: 'store',
  deduplicates: true,
  create(t, context) {
    const dir = temporaryDirectory(t);
    const sink = create({ ...options.parse({ dir }), commitMs: 20, reserveBytes: 0, threads: 1 }, context);
    return Promise.resolve({
      sink,
      async delivered() {
        // A store that was stopped holds what it had: another sink opens it again.
        const store = sink.store();
        if (store) return (await collect(store.search('', ALL))).map(({ id }) => id);
        const again = create({ ...options.parse({ dir }), reserveBytes: 0, threads: 1 }, context);
        await again.start!(new AbortController().signal);
        try {
          return (await collect(again.store()!.search('', ALL))).map(({ id }) => id);
        } finally {
          await again.stop!(new AbortController().signal);
        }
      },
    });
  },
});
