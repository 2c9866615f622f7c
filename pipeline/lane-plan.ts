import { digest } from '../schema/ids.ts';
import type { Flow } from '../schema/records.ts';
import type { DetectorFactory } from './contracts.ts';
import type { LaneDetector } from './lane.ts';
import {
  createLaneGroup,
  type LaneGroupHandle,
  type LaneGroupOptions,
  type LaneGroup,
  type Route,
} from './lane-group.ts';
import { cachedPartitions } from './partition.ts';

/** What a lane group tells of besides alerts. */
export type GroupCallbacks = Pick<LaneGroupOptions, 'failed' | 'late' | 'overflowed'>;

type FlowTopic = 'enriched' | 'rekeyed';

/** Which partitions make up a lane group: all of them in one process, two over Kafka. */
export interface LanePlan {
  /** How many groups there are. */
  readonly groups: number;
  readonly topics: readonly FlowTopic[];
  readonly groupOf: (partition: number) => number;
  readonly feedOf: (topic: FlowTopic) => number;
  readonly create: (group: number, callbacks: GroupCallbacks) => LaneGroupHandle;
  /** Gives up what groups are made of, where that is a thread. */
  readonly end?: () => Promise<void>;
}

/** A detector as it is configured, before it has a lane. */
export interface PlannedDetector {
  readonly name: string;
  readonly factory: DetectorFactory;
  readonly where: ((flow: Flow) => boolean) | null;
  /** Keys for the whole process; each lane gets its share. */
  readonly maxKeys: number;
  /** The options as text: other options mean another state. */
  readonly content: string;
}

export interface LanePlanOptions {
  readonly lanes: number;
  readonly detectors: readonly PlannedDetector[];
  /** Most flows that wait for the watermark, over all lanes. */
  readonly maxWaiting: number;
  /** See `LaneGroupOptions`. */
  readonly sliceMs?: number;
  readonly evicted: (detector: string, count: number) => void;
  /** Lanes of further copies of a flow, for the rules that group it by something else than a side; none by default. */
  readonly ruleLanes?: RuleLanes;
}

/** A plan whose groups are in this thread. */
export interface LocalLanePlan extends LanePlan {
  readonly create: (group: number, callbacks: GroupCallbacks) => LaneGroup;
}

/** The lanes of the groups that rules put a flow into, each once. */
export type RuleLanes = (flow: Flow) => readonly number[];

/** Identity of a side's lane: who it is, else its address. */
const keyOf = (endpoint: Flow['source']): string => endpoint.entity ?? endpoint.ip ?? '';

/** How lanes lie in the log of one process. */
export const localLayout = {
  topics: ['enriched'],
  groups: 1,
  groupOf: () => 0,
  feedOf: () => 0,
} as const satisfies Partial<LanePlan>;

/** All lanes in one process, fed by one partition: each flow goes to its initiator's and its responder's lane. */
export function localPlan(options: LanePlanOptions): LocalLanePlan {
  const laneOf = cachedPartitions(options.lanes);
  const { ruleLanes } = options;
  const route: Route = (_feed, flow, _entry, to) => {
    to(laneOf(keyOf(flow.source)), 'source');
    to(laneOf(keyOf(flow.destination)), 'destination');
    if (ruleLanes) for (const lane of ruleLanes(flow)) to(lane, 'rule');
  };
  const lanes = Array.from({ length: options.lanes }, (_, lane) => lane);
  return {
    ...localLayout,
    create: (_group, callbacks) =>
      createLaneGroup({
        ...callbacks,
        ...sliced(options),
        lanes,
        feeds: 1,
        route,
        detectors: (lane) => detectorsOf(options, lane),
        maxWaiting: options.maxWaiting,
        stateKey: stateKey(options),
      }),
  };
}

/** One lane a partition: partition k of `enriched` and of `rekeyed` are lane k. */
export function partitionedPlan(options: LanePlanOptions): LocalLanePlan {
  return {
    topics: ['enriched', 'rekeyed'],
    groups: options.lanes,
    groupOf: (partition) => partition,
    feedOf: (topic) => (topic === 'enriched' ? 0 : 1),
    create: (lane, callbacks) =>
      createLaneGroup({
        ...callbacks,
        ...sliced(options),
        lanes: [lane],
        feeds: 2,
        // Copies for rules were made where the flow was enriched.
        route: (feed, _flow, { role }, to) => to(lane, role ?? (feed === 0 ? 'source' : 'destination')),
        detectors: (number) => detectorsOf(options, number),
        maxWaiting: Math.ceil((2 * options.maxWaiting) / options.lanes),
        stateKey: stateKey(options),
      }),
  };
}

const sliced = ({ sliceMs }: LanePlanOptions): { sliceMs?: number } =>
  sliceMs === undefined ? {} : { sliceMs };

function detectorsOf(options: LanePlanOptions, lane: number): LaneDetector[] {
  return options.detectors.map(({ name, factory, where, maxKeys, content }) => {
    const contentVersion = digest(12, name, content);
    return {
      name,
      where,
      contentVersion,
      detector: factory({
        lane,
        lanes: options.lanes,
        maxKeys: Math.ceil(maxKeys / options.lanes),
        contentVersion,
        evicted: (count) => options.evicted(name, count),
      }),
    };
  });
}

/** Which keys a lane holds follows from how many there are; what each detector is, its own state says. */
const stateKey = ({ lanes }: LanePlanOptions): string => digest(16, lanes);
