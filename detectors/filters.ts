import { WeirError, messageOf } from '../pipeline/errors.ts';
import { compileQuery } from '../query/index.ts';
import type { Flow } from '../schema/records.ts';

/** Whether any of the queries holds for a flow. Throws `config_invalid` that names the place of the one that is none. */
export function compileFilters(place: string, queries: readonly string[]): (flow: Flow) => boolean {
  const compiled = queries.map((query, index) => {
    try {
      return compileQuery('flow', query);
    } catch (error) {
      throw new WeirError('config_invalid', `${place}[${index}]: ${messageOf(error)}`, { cause: error });
    }
  });
  return (flow) => compiled.some((holds) => holds(flow));
}
