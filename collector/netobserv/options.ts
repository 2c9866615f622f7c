import { z } from 'zod';

export const options = z.strictObject({
  policyDropCauses: z
    .array(z.string().min(1))
    .default([
      'OVS_DROP_EXPLICIT',
      'OVS_DROP_EXPLICIT_ACTION',
      'OVS_DROP_LAST_ACTION',
      'SKB_DROP_REASON_NETFILTER_DROP',
      'SKB_DROP_REASON_BPF_CGROUP_EGRESS',
      'SKB_DROP_REASON_TC_INGRESS',
      'SKB_DROP_REASON_TC_EGRESS',
      'SKB_DROP_REASON_XDP',
    ])
    .describe(
      'Values of PktDropLatestDropCause that mean that a policy dropped the packets: the verdict is then deny, unless a network event of the flow says that it was allowed.',
    ),
});

export type Options = z.output<typeof options>;
