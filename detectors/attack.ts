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
  containerDiscovery: {
    tacticId: 'TA0007',
    tactic: 'Discovery',
    techniqueId: 'T1613',
    technique: 'Container and Resource Discovery',
  },
  cloudMetadata: {
    tacticId: 'TA0006',
    tactic: 'Credential Access',
    techniqueId: 'T1552.005',
    technique: 'Unsecured Credentials: Cloud Instance Metadata API',
  },
  containerApi: {
    tacticId: 'TA0006',
    tactic: 'Credential Access',
    techniqueId: 'T1552.007',
    technique: 'Unsecured Credentials: Container API',
  },
  externalRemoteServices: {
    tacticId: 'TA0001',
    tactic: 'Initial Access',
    techniqueId: 'T1133',
    technique: 'External Remote Services',
  },
  bruteForce: {
    tacticId: 'TA0006',
    tactic: 'Credential Access',
    techniqueId: 'T1110',
    technique: 'Brute Force',
  },
  passwordGuessing: {
    tacticId: 'TA0006',
    tactic: 'Credential Access',
    techniqueId: 'T1110.001',
    technique: 'Brute Force: Password Guessing',
  },
  passwordSpraying: {
    tacticId: 'TA0006',
    tactic: 'Credential Access',
    techniqueId: 'T1110.003',
    technique: 'Brute Force: Password Spraying',
  },
  remoteServices: {
    tacticId: 'TA0008',
    tactic: 'Lateral Movement',
    techniqueId: 'T1021',
    technique: 'Remote Services',
  },
  exploitationOfRemoteServices: {
    tacticId: 'TA0008',
    tactic: 'Lateral Movement',
    techniqueId: 'T1210',
    technique: 'Exploitation of Remote Services',
  },
  applicationLayerProtocol: {
    tacticId: 'TA0011',
    tactic: 'Command and Control',
    techniqueId: 'T1071',
    technique: 'Application Layer Protocol',
  },
  nonStandardPort: {
    tacticId: 'TA0011',
    tactic: 'Command and Control',
    techniqueId: 'T1571',
    technique: 'Non-Standard Port',
  },
  dns: {
    tacticId: 'TA0011',
    tactic: 'Command and Control',
    techniqueId: 'T1071.004',
    technique: 'Application Layer Protocol: DNS',
  },
  protocolTunneling: {
    tacticId: 'TA0011',
    tactic: 'Command and Control',
    techniqueId: 'T1572',
    technique: 'Protocol Tunneling',
  },
  exfiltrationOverC2: {
    tacticId: 'TA0010',
    tactic: 'Exfiltration',
    techniqueId: 'T1041',
    technique: 'Exfiltration Over C2 Channel',
  },
  exfiltrationOverAlternative: {
    tacticId: 'TA0010',
    tactic: 'Exfiltration',
    techniqueId: 'T1048',
    technique: 'Exfiltration Over Alternative Protocol',
  },
  exfiltrationOverWeb: {
    tacticId: 'TA0010',
    tactic: 'Exfiltration',
    techniqueId: 'T1567',
    technique: 'Exfiltration Over Web Service',
  },
  sizeLimits: {
    tacticId: 'TA0010',
    tactic: 'Exfiltration',
    techniqueId: 'T1030',
    technique: 'Data Transfer Size Limits',
  },
  multiHopProxy: {
    tacticId: 'TA0011',
    tactic: 'Command and Control',
    techniqueId: 'T1090.003',
    technique: 'Proxy: Multi-hop Proxy',
  },
  resourceHijacking: {
    tacticId: 'TA0040',
    tactic: 'Impact',
    techniqueId: 'T1496',
    technique: 'Resource Hijacking',
  },
  impairDefenses: {
    tacticId: 'TA0005',
    tactic: 'Defense Evasion',
    techniqueId: 'T1562',
    technique: 'Impair Defenses',
  },
} as const satisfies Record<string, Attack>;
