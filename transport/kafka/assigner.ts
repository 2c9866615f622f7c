import kafkajs, { type PartitionAssigner } from 'kafkajs';
import { murmur2 } from '../../pipeline/partition.ts';

/** A member of a group, as its leader sees it. */
export interface Member {
  readonly memberId: string;
  /** Stable over restarts; members of one name are told apart by their id. */
  readonly name: string;
  readonly topics: readonly string[];
}

/** Partitions that must lie on one member, because their records meet in one state. */
export interface Unit {
  readonly key: string;
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
}

const PROTOCOL = 'weir-rendezvous';

/**
 * Deals units by rendezvous hashing (Thaler and Ravishankar 1998) with a bound on the load: a unit goes to the
 * member that scores highest on it among those that still have room. A member that comes back under its name
 * gets its units back, and one that leaves takes few others' units with it. Nobody has more than one unit more
 * than the even share.
 */
export function deal(units: readonly Unit[], members: readonly Member[]): Map<string, Unit[]> {
  const dealt = new Map<string, Unit[]>(members.map((m) => [m.memberId, []]));
  const seats = seatsOf(members);
  const most = Math.ceil(units.length / Math.max(1, members.length));
  for (const unit of [...units].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const able = seats.filter((s) => unit.partitions.some((p) => s.member.topics.includes(p.topic)));
    const free = able.filter((s) => dealt.get(s.member.memberId)!.length < most);
    const winner = highest(free.length > 0 ? free : able, unit.key);
    if (winner) dealt.get(winner.memberId)!.push(unit);
  }
  return dealt;
}

function seatsOf(members: readonly Member[]): readonly { member: Member; seat: string }[] {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const seen = new Map<string, number>();
  return sorted.map((member) => {
    const ordinal = seen.get(member.name) ?? 0;
    seen.set(member.name, ordinal + 1);
    return { member, seat: `${member.name}#${ordinal}` };
  });
}

function highest(seats: readonly { member: Member; seat: string }[], key: string): Member | null {
  let best: Member | null = null;
  let bestScore = -1;
  for (const { member, seat } of seats) {
    const score = murmur2(`${seat} ${key}`);
    if (score > bestScore) [best, bestScore] = [member, score];
  }
  return best;
}

/** Units of some topics: partition k of all `together` topics is one unit, of the others each partition is. */
export function unitsOf(
  partitions: ReadonlyMap<string, readonly number[]>,
  together: ReadonlySet<string>,
): readonly Unit[] {
  const units = new Map<string, { key: string; partitions: { topic: string; partition: number }[] }>();
  for (const [topic, numbers] of partitions) {
    for (const partition of numbers) {
      const key = together.has(topic) ? `lane-${partition}` : `${topic}-${partition}`;
      let unit = units.get(key);
      if (!unit) units.set(key, (unit = { key, partitions: [] }));
      unit.partitions.push({ topic, partition });
    }
  }
  return [...units.values()];
}

/** The assigner kafkajs is given: the leader of the group deals for all members. */
export function rendezvousAssigner(memberName: string, together: ReadonlySet<string>): PartitionAssigner {
  const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
  return ({ cluster }) => ({
    name: PROTOCOL,
    version: 1,
    protocol: ({ topics }) => ({
      name: PROTOCOL,
      metadata: MemberMetadata.encode({ version: 1, topics, userData: Buffer.from(memberName) }),
    }),
    async assign({ members, topics }) {
      const known: Member[] = members.map(({ memberId, memberMetadata }) => {
        const decoded = MemberMetadata.decode(memberMetadata);
        return {
          memberId,
          name: decoded?.userData.toString() ?? memberId,
          topics: decoded?.topics ?? topics,
        };
      });
      // In a rolling upgrade members may differ in what they read; the leader knows only its own topics.
      const wanted = [...new Set(known.flatMap((m) => m.topics))];
      await cluster.addMultipleTargetTopics(wanted);
      const partitions = new Map(
        wanted.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).map((p) => p.partitionId)]),
      );
      const dealt = deal(unitsOf(partitions, together), known);
      return known.map(({ memberId, topics: subscribed }) => {
        const assignment: Record<string, number[]> = {};
        for (const { topic, partition } of (dealt.get(memberId) ?? []).flatMap((u) => u.partitions)) {
          if (subscribed.includes(topic)) (assignment[topic] ??= []).push(partition);
        }
        return {
          memberId,
          memberAssignment: MemberAssignment.encode({ version: 1, assignment, userData: Buffer.alloc(0) }),
        };
      });
    },
  });
}
