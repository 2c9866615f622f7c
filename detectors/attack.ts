import type { Attack } from '../schema/records.ts';

/** MITRE ATT&CK Enterprise techniques that detectors name, as at https://attack.mitre.org. */
export const attacks = {
  networkServiceDiscovery: {
    tacticId: 'TA0007',
    tactic: 'Discovery',
    techniqueId: 'T1046',
    technique: 'Network Service Discovery',
  },
  remoteSystemDiscovery: {
    tacticId: 'TA0007',
    tactic: 'Discovery',
    techniqueId: 'T1018',
    technique: 'Remote System Discovery',
  },
  scanningIpBlocks: {
    tacticId: 'TA0043',
    tactic: 'Reconnaissance',
    techniqueId: 'T1595.001',
    technique: 'Active Scanning: Scanning IP Blocks',
  },
} as const satisfies Record<string, Attack>;
