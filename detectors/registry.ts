import { options as policyDenied } from './policy_denied/options.ts';
import { options as portScan } from './port_scan/options.ts';
import { options as rule } from './rule/options.ts';

/** Every detector by type. A role loads only those it runs: `create(options)` of the module makes the factory. */
export const detectors = {
  policy_denied: { options: policyDenied, load: () => import('./policy_denied/index.ts') },
  port_scan: { options: portScan, load: () => import('./port_scan/index.ts') },
  rule: { options: rule, load: () => import('./rule/index.ts') },
} as const;

export type DetectorType = keyof typeof detectors;
