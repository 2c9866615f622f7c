import type { Flow, PolicyRef } from '../../schema/records.ts';
import { contactOutcome, outcomes } from '../contact.ts';

/** In which way the data plane and the inferred trace differ. */
export const mismatches = ['passed_but_denied', 'denied_but_allowed'] as const;
export type MismatchKind = (typeof mismatches)[number];

export interface Mismatch {
  readonly kind: MismatchKind;
  /** The inferred step that decides otherwise than the data plane. */
  readonly policy: PolicyRef;
  /** The side whose policy it is: egress of the source, ingress of the destination. */
  readonly side: 'source' | 'destination';
}

type Action = 'allow' | 'deny';

/**
 * Whether what the data plane did and what Weir's evaluator reads from the policies differ; null when they agree, or when one
 * of them says nothing. A step decides in its direction if no later one does; a flow passes when no direction denies it.
 */
export function mismatchOf(flow: Flow): Mismatch | null {
  const { policies } = flow;
  // Nearly all flows have no inferred step: they leave here.
  let hasInferred = false;
  for (const step of policies) hasInferred ||= step.inferred;
  if (!hasInferred || flow.inventoryStale || flow.malformed || flow.initiatorGuessed) return null;
  const did = dataPlane(flow);
  if (did === null) return null;
  const ingress = deciding(policies, 'ingress');
  const egress = deciding(policies, 'egress');
  if (did === 'allow') {
    // Who denies first is who should have stopped it: the source's side.
    const denies = isDeny(egress) ? egress : isDeny(ingress) ? ingress : null;
    return denies === null ? null : { kind: 'passed_but_denied', policy: denies, side: sideOf(denies) };
  }
  if (isDeny(ingress) || isDeny(egress)) return null;
  const allows = allowing(flow, ingress, egress);
  return allows === null ? null : { kind: 'denied_but_allowed', policy: allows, side: sideOf(allows) };
}

/** What became of the flow; null when the origin does not say. Audit is neither: nothing was enforced. */
function dataPlane(flow: Flow): Action | null {
  if (flow.verdict === 'allow' || flow.verdict === 'deny') return flow.verdict;
  // Without a verdict an answered connection is one: what was answered was let through.
  return flow.verdict === 'unknown' && contactOutcome(flow) === outcomes.answered ? 'allow' : null;
}

/** The last inferred step of a direction that allows or denies; steps without a direction are of both. */
function deciding(policies: readonly PolicyRef[], direction: 'ingress' | 'egress'): PolicyRef | null {
  for (let i = policies.length - 1; i >= 0; i--) {
    const step = policies[i]!;
    if (!step.inferred || step.staged) continue;
    if (step.direction !== null && step.direction !== direction) continue;
    if (step.action === 'allow' || isDeny(step)) return step;
  }
  return null;
}

/**
 * The step that allows what was denied, where the trace covers the direction in which it was: the observer's, else both.
 * A trace of one direction says nothing of a denial in the other.
 */
function allowing(flow: Flow, ingress: PolicyRef | null, egress: PolicyRef | null): PolicyRef | null {
  if (flow.direction === 'ingress') return ingress;
  if (flow.direction === 'egress') return egress;
  return ingress !== null && egress !== null ? ingress : null;
}

const isDeny = (step: PolicyRef | null): boolean =>
  step?.action === 'deny' || step?.action === 'default_deny';

const sideOf = (step: PolicyRef): 'source' | 'destination' =>
  step.direction === 'egress' ? 'source' : 'destination';
