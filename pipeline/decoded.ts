import type { DeadLetter, Flow, Loss, PolicyChange } from '../schema/records.ts';
import type { DecodeOutput, LineDecoder, Reject } from './contracts.ts';
import { deadLetter, lineLetter, payloadOf } from './dead-letter.ts';
import { messageOf } from './errors.ts';

/** What one batch decoded to. */
export class Decoded implements DecodeOutput {
  readonly flows: Flow[] = [];
  readonly rejects: Reject[] = [];
  readonly losses: Loss[] = [];
  readonly changes: PolicyChange[] = [];
  readonly failures: { error: unknown; position: number; payload: string }[] = [];
  readonly stageFailures: { flow: Flow; error: unknown }[] = [];
  skipped = 0;
  /** The origin's greatest `startMs` with this batch. */
  startMs = -Infinity;
  /** Since when the origin is at its end with this batch; null while there is more. */
  atEndMs: number | null = null;
  held: ReturnType<NonNullable<LineDecoder['checkpoint']>> = undefined;
  flow(flow: Flow): void {
    this.flows.push(flow);
  }
  reject(reject: Reject): void {
    this.rejects.push(reject);
  }
  loss(loss: Loss): void {
    this.losses.push(loss);
  }
  change(change: PolicyChange): void {
    this.changes.push(change);
  }
  skip(): void {
    this.skipped++;
  }
}

/** Where a batch came from. */
interface From {
  readonly component: string;
  readonly origin: string;
  readonly place: string;
  readonly nowMs: number;
}

/** What of a batch is kept instead of being passed on. */
export function lettersOf(out: Decoded, { component, origin, place, nowMs: timeMs }: From): DeadLetter[] {
  return [
    ...out.rejects.map((reject) => lineLetter(component, origin, reject, timeMs)),
    ...out.failures.map(({ error, position, payload }) =>
      deadLetter({
        component,
        kind: 'line',
        code: 'record_failed',
        reason: `${place}: the decoder failed at position ${position}: ${messageOf(error)}`,
        error,
        payload,
        timeMs,
        origin,
        position,
      }),
    ),
    ...out.stageFailures.map(({ flow, error }) =>
      deadLetter({
        component: 'enricher',
        kind: 'flow',
        code: 'record_failed',
        reason: `enriching flow ${flow.id} failed: ${messageOf(error)}`,
        error,
        payload: payloadOf(flow),
        timeMs,
        origin,
        position: flow.position,
      }),
    ),
  ];
}
