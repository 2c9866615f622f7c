import type { Attack } from '../../schema/records.ts';
import { nearest } from '../../query/suggest.ts';
import { attacks } from '../attack.ts';

/**
 * Techniques of MITRE ATT&CK Enterprise that traffic can show, with the tactic they mean there, checked against
 * version 18: an id that is not here is refused, so that a slip of the pen reaches no SIEM.
 */
const TACTICS: Readonly<
  Record<string, readonly [name: string, techniques: Readonly<Record<string, string>>]>
> = {
  TA0001: [
    'Initial Access',
    {
      T1078: 'Valid Accounts',
      T1133: 'External Remote Services',
      T1189: 'Drive-by Compromise',
      T1190: 'Exploit Public-Facing Application',
      T1195: 'Supply Chain Compromise',
      T1199: 'Trusted Relationship',
    },
  ],
  TA0002: ['Execution', { T1609: 'Container Administration Command', T1610: 'Deploy Container' }],
  TA0003: ['Persistence', { T1205: 'Traffic Signaling', 'T1205.001': 'Traffic Signaling: Port Knocking' }],
  TA0004: [
    'Privilege Escalation',
    { T1068: 'Exploitation for Privilege Escalation', T1611: 'Escape to Host' },
  ],
  TA0006: [
    'Credential Access',
    {
      T1040: 'Network Sniffing',
      T1110: 'Brute Force',
      'T1110.001': 'Brute Force: Password Guessing',
      'T1110.003': 'Brute Force: Password Spraying',
      'T1110.004': 'Brute Force: Credential Stuffing',
      T1187: 'Forced Authentication',
      T1552: 'Unsecured Credentials',
      'T1552.005': 'Unsecured Credentials: Cloud Instance Metadata API',
      'T1552.007': 'Unsecured Credentials: Container API',
      T1557: 'Adversary-in-the-Middle',
    },
  ],
  TA0007: [
    'Discovery',
    {
      T1016: 'System Network Configuration Discovery',
      'T1016.001': 'System Network Configuration Discovery: Internet Connection Discovery',
      T1049: 'System Network Connections Discovery',
      T1135: 'Network Share Discovery',
      T1526: 'Cloud Service Discovery',
      T1613: 'Container and Resource Discovery',
    },
  ],
  TA0008: [
    'Lateral Movement',
    {
      T1021: 'Remote Services',
      'T1021.001': 'Remote Services: Remote Desktop Protocol',
      'T1021.002': 'Remote Services: SMB/Windows Admin Shares',
      'T1021.004': 'Remote Services: SSH',
      'T1021.005': 'Remote Services: VNC',
      'T1021.006': 'Remote Services: Windows Remote Management',
      T1210: 'Exploitation of Remote Services',
      T1570: 'Lateral Tool Transfer',
    },
  ],
  TA0009: [
    'Collection',
    {
      T1039: 'Data from Network Shared Drive',
      T1213: 'Data from Information Repositories',
      'T1213.006': 'Data from Information Repositories: Databases',
      T1530: 'Data from Cloud Storage',
    },
  ],
  TA0010: [
    'Exfiltration',
    {
      T1020: 'Automated Exfiltration',
      T1029: 'Scheduled Transfer',
      T1030: 'Data Transfer Size Limits',
      T1041: 'Exfiltration Over C2 Channel',
      T1048: 'Exfiltration Over Alternative Protocol',
      'T1048.003': 'Exfiltration Over Alternative Protocol: Exfiltration Over Unencrypted Non-C2 Protocol',
      T1537: 'Transfer Data to Cloud Account',
      T1567: 'Exfiltration Over Web Service',
    },
  ],
  TA0011: [
    'Command and Control',
    {
      T1008: 'Fallback Channels',
      T1071: 'Application Layer Protocol',
      'T1071.001': 'Application Layer Protocol: Web Protocols',
      'T1071.002': 'Application Layer Protocol: File Transfer Protocols',
      'T1071.003': 'Application Layer Protocol: Mail Protocols',
      'T1071.004': 'Application Layer Protocol: DNS',
      T1090: 'Proxy',
      'T1090.003': 'Proxy: Multi-hop Proxy',
      T1095: 'Non-Application Layer Protocol',
      T1102: 'Web Service',
      T1105: 'Ingress Tool Transfer',
      T1219: 'Remote Access Tools',
      T1568: 'Dynamic Resolution',
      'T1568.002': 'Dynamic Resolution: Domain Generation Algorithms',
      T1571: 'Non-Standard Port',
      T1572: 'Protocol Tunneling',
      T1573: 'Encrypted Channel',
    },
  ],
  TA0040: [
    'Impact',
    {
      T1485: 'Data Destruction',
      T1496: 'Resource Hijacking',
      'T1496.001': 'Resource Hijacking: Compute Hijacking',
      T1498: 'Network Denial of Service',
      'T1498.001': 'Network Denial of Service: Direct Network Flood',
      'T1498.002': 'Network Denial of Service: Reflection Amplification',
      T1499: 'Endpoint Denial of Service',
      'T1499.002': 'Endpoint Denial of Service: Service Exhaustion Flood',
    },
  ],
  TA0043: ['Reconnaissance', { T1590: 'Gather Victim Network Information', T1595: 'Active Scanning' }],
};

const byId: ReadonlyMap<string, Attack> = new Map([
  ...Object.entries(TACTICS).flatMap(([tacticId, [tactic, techniques]]) =>
    Object.entries(techniques).map(([techniqueId, technique]): [string, Attack] => [
      techniqueId,
      { tacticId, tactic, techniqueId, technique },
    ]),
  ),
  ...Object.values(attacks).map((attack): [string, Attack] => [attack.techniqueId, attack]),
]);

export const techniqueOf = (id: string): Attack | null => byId.get(id) ?? null;

/** What is wrong with an id that is not known. */
export function unknownTechnique(id: string): string {
  const near = nearest(id, byId.keys());
  return `expected an ATT&CK technique that traffic can show, such as T1048, found '${id}'${near === undefined ? '' : `; did you mean '${near}' (${byId.get(near)!.technique})?`}`;
}
