import { partitionOf } from '../../pipeline/partition.ts';
import type { Flow } from '../../schema/records.ts';

/** Both reporters of a connection, whoever guessed its initiator, meet in one partition. */
export function pairPlace(partitions: number): (flow: Flow) => { key: string; partition: number } {
  return (flow) => {
    const a = flow.source.ip ?? flow.source.hostname ?? flow.source.pod ?? '';
    const b = flow.destination.ip ?? flow.destination.hostname ?? flow.destination.pod ?? '';
    const key = a < b ? `${flow.cluster}|${a}|${b}` : `${flow.cluster}|${b}|${a}`;
    return { key, partition: partitionOf(key, partitions) };
  };
}
