import type { Alert } from '../schema/records.ts';
import type { Detector } from './contracts.ts';
import { WeirError } from './errors.ts';
import type { Lane } from './lane.ts';

/** What detectors learned of history before they went live. */
export interface Learned {
  readonly id: string;
  /** Chunks of a lane as `packLane` made them. Rejects with `state_unusable` when they are gone. */
  read(lane: number): Promise<readonly Uint8Array[]>;
}

/** What a group of lanes took up. */
export interface Inherited {
  readonly id: string;
  /** Alerts that were going on when the history ended, and that nobody was told of. */
  unheard: string[];
}

interface Packed {
  readonly version: number;
  readonly lane: number;
  readonly detectors: readonly {
    readonly name: string;
    readonly contentVersion: string | null;
    readonly chunks: number;
  }[];
  readonly unheard: readonly string[];
}

const VERSION = 1;
/** More alerts that go on are told of as they close. */
const MAX_UNHEARD = 20_000;
/** By then every alert of what is given up has closed. */
const CLOSING_MS = 7 * 86_400_000;

/** The state of one lane without how far it was read, and the ids of the alerts that go on. */
export function packLane(lane: number, state: Lane, unheard: readonly string[]): Uint8Array[] {
  const body: Uint8Array[] = [];
  const detectors = state.detectors.map(({ name, contentVersion = null, detector }) => {
    const before = body.length;
    for (const chunk of detector.snapshot()) body.push(chunk);
    return { name, contentVersion, chunks: body.length - before };
  });
  const header: Packed = { version: VERSION, lane, detectors, unheard: unheard.slice(0, MAX_UNHEARD) };
  return [Buffer.from(JSON.stringify(header)), ...body];
}

/** A group of lanes that is to know what was learned. */
export interface Heir {
  readonly members: readonly { readonly lane: number; readonly state: Lane }[];
  readonly watermarkMs: number;
  inherited: Inherited | null;
}

/** What came of it. */
export interface TakenUp {
  /** Detectors that know it now. */
  readonly names: readonly string[];
  /** Of alerts that it ends. */
  readonly closings: readonly Alert[];
  /** Why it was set aside; null when it was not. */
  readonly refused: string | null;
}

/** Makes a group know what was learned; what cannot be read is set aside. `isNew`: it has no state of its own. */
export async function takeUp(heir: Heir, isNew: boolean, learned: Learned): Promise<TakenUp> {
  try {
    return { ...(await inherit(heir, isNew, learned)), refused: null };
  } catch (error) {
    if (!(error instanceof WeirError && error.code === 'state_unusable')) throw error;
    heir.inherited = { id: learned.id, unheard: [] };
    return { names: [], closings: [], refused: error.message };
  }
}

/**
 * Gives the detectors of a group what was learned, where they have learned nothing themselves: all of them when the
 * group is new, else those that are learning. What those had open is closed by the alerts that are returned.
 */
async function inherit(
  group: Heir,
  isNew: boolean,
  learned: Learned,
): Promise<{ names: string[]; closings: Alert[] }> {
  const names = new Set<string>();
  const closings: Alert[] = [];
  const unheard: string[] = [];
  for (const { lane, state } of group.members) {
    const [first, ...rest] = await learned.read(lane);
    const packed = headerOf(first, lane);
    unheard.push(...packed.unheard);
    let at = 0;
    for (const { name, contentVersion, chunks } of packed.detectors) {
      const mine = rest.slice(at, (at += chunks));
      const member = state.detectors.find((each) => each.name === name);
      // Other options learn something else.
      if (!member || (member.contentVersion ?? null) !== contentVersion) continue;
      if (!isNew && member.detector.status().state !== 'learning') continue;
      if (!isNew && Number.isFinite(group.watermarkMs))
        for (const alert of member.detector.advance(group.watermarkMs + CLOSING_MS))
          if (alert.action === 'closed') closings.push(alert);
      if (restored(member.detector, mine)) names.add(name);
    }
  }
  group.inherited = { id: learned.id, unheard: [...new Set(unheard)] };
  return { names: [...names], closings };
}

/** False when the detector refuses the state as none of its own; it is as new then. */
export function restored(detector: Detector, chunks: readonly Uint8Array[]): boolean {
  try {
    detector.restore(chunks);
    return true;
  } catch (error) {
    if (error instanceof WeirError && error.code === 'state_unusable') return false;
    throw error;
  }
}

function headerOf(bytes: Uint8Array | undefined, lane: number): Packed {
  let packed: Partial<Packed> = {};
  try {
    packed = JSON.parse(Buffer.from(bytes ?? []).toString('utf8')) as Partial<Packed>;
  } catch {
    // Told below.
  }
  if (packed.version !== VERSION || packed.lane !== lane)
    throw new WeirError('state_unusable', `what was learned for lane ${lane} is not of version ${VERSION}`);
  return packed as Packed;
}

/**
 * Leaves out the end of what nobody heard the beginning of. An alert of the history that goes on is told of from its
 * next revision on.
 */
export function withoutUnheard(inherited: Inherited, alerts: Alert[]): Alert[] {
  if (inherited.unheard.length === 0 || alerts.length === 0) return alerts;
  const unheard = new Set(inherited.unheard);
  const told = alerts.filter(({ id, action }) => !(unheard.delete(id) && action === 'closed'));
  if (unheard.size < inherited.unheard.length) inherited.unheard = [...unheard];
  return told;
}
