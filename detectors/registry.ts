import { options as beacon } from './beacon/options.ts';
import { options as bruteForce } from './brute_force/options.ts';
import { options as controlPlaneAccess } from './control_plane_access/options.ts';
import { options as denyBurst } from './deny_burst/options.ts';
import { options as distributedScan } from './distributed_scan/options.ts';
import { options as dnsAbuse } from './dns_abuse/options.ts';
import { options as exfiltration } from './exfiltration/options.ts';
import { options as flood } from './flood/options.ts';
import { options as lateralMovement } from './lateral_movement/options.ts';
import { options as longConnection } from './long_connection/options.ts';
import { options as newEdge } from './new_edge/options.ts';
import { options as policyChange } from './policy_change/options.ts';
import { options as policyDenied } from './policy_denied/options.ts';
import { options as portScan } from './port_scan/options.ts';
import { options as rule } from './rule/options.ts';
import { options as silence } from './silence/options.ts';
import { options as threatIntel } from './threat_intel/options.ts';
import { options as verdictMismatch } from './verdict_mismatch/options.ts';
import { options as volume } from './volume/options.ts';

/** Every detector by type. A role loads only those it runs: `create(options)` of the module makes the factory. */
export const detectors = {
  beacon: { options: beacon, load: () => import('./beacon/index.ts') },
  brute_force: { options: bruteForce, load: () => import('./brute_force/index.ts') },
  control_plane_access: {
    options: controlPlaneAccess,
    load: () => import('./control_plane_access/index.ts'),
  },
  deny_burst: { options: denyBurst, load: () => import('./deny_burst/index.ts') },
  distributed_scan: { options: distributedScan, load: () => import('./distributed_scan/index.ts') },
  dns_abuse: { options: dnsAbuse, load: () => import('./dns_abuse/index.ts') },
  exfiltration: { options: exfiltration, load: () => import('./exfiltration/index.ts') },
  flood: { options: flood, load: () => import('./flood/index.ts') },
  lateral_movement: { options: lateralMovement, load: () => import('./lateral_movement/index.ts') },
  long_connection: { options: longConnection, load: () => import('./long_connection/index.ts') },
  new_edge: { options: newEdge, load: () => import('./new_edge/index.ts') },
  policy_change: { options: policyChange, load: () => import('./policy_change/index.ts') },
  policy_denied: { options: policyDenied, load: () => import('./policy_denied/index.ts') },
  port_scan: { options: portScan, load: () => import('./port_scan/index.ts') },
  rule: { options: rule, load: () => import('./rule/index.ts') },
  silence: { options: silence, load: () => import('./silence/index.ts') },
  threat_intel: { options: threatIntel, load: () => import('./threat_intel/index.ts') },
  verdict_mismatch: { options: verdictMismatch, load: () => import('./verdict_mismatch/index.ts') },
  volume: { options: volume, load: () => import('./volume/index.ts') },
} as const;

export type DetectorType = keyof typeof detectors;
