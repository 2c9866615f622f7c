/** Kinds of record a sink can be asked to send; the configuration's `records` names them. */
export const sinkKinds = ['flow', 'alert', 'incident', 'policy_change', 'loss', 'access'] as const;
export type SinkKind = (typeof sinkKinds)[number];
