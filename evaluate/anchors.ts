/** Who measured a number, and on what. */
export const sources = {
  rule: "the tool's rule written anew and run over the whole labelled set, of which a directory may be a part: 19 scan captures, 25 C2 pairs, negatives of 103 host-days in 11 captures",
  authors:
    "the authors' published scores of CTU-50-FEEL: 71 days, 1,497 labelled host-hours of which 490 malicious",
} as const;

/** A number of another tool, to be read beside ours. */
export interface Anchor {
  readonly measure: Measure;
  readonly tool: string;
  readonly value: string;
  readonly source: keyof typeof sources;
}

export const measures = {
  scans: 'scans found / false sources / median delay',
  c2: 'C2 pairs found as beacon',
  benignPairs: 'benign pairs flagged a host-day',
  kubernetesPairs: 'Kubernetes pod pairs flagged',
  volume: 'benign volume buckets flagged',
  falseAlerts: 'false alerts a host-day, grouped',
  benignWindows: 'benign host windows of an hour flagged',
  windows: 'host-hour windows, F1',
} as const;
export type Measure = keyof typeof measures;

/** What is aimed at: docs/detection.md says why. */
export const targets: Readonly<Record<Measure, string>> = {
  scans: '>= 18 of 19 / 0 / < 2 s',
  c2: '>= 18 of 25',
  benignPairs: '<= 1',
  kubernetesPairs: '0 of 15',
  volume: '< 0.1 %',
  falseAlerts: '<= 0.5',
  benignWindows: '-',
  windows: '> 0.60',
};

export const anchors: readonly Anchor[] = [
  { measure: 'scans', tool: 'Elastic network scan', value: '16 of 19 / 0 / 0.0 s', source: 'rule' },
  { measure: 'scans', tool: 'Slips vertical', value: '12 of 19 / 0 / 1.1 s', source: 'rule' },
  { measure: 'scans', tool: 'Calico port_scan, removed', value: '12 of 19 / 0 / 0.0 s', source: 'rule' },
  { measure: 'scans', tool: 'TRW on (host, port)', value: '11 of 19 / 2 / 0.3 s', source: 'rule' },
  { measure: 'scans', tool: 'Zeek scan.zeek', value: '10 of 19 / 0 / 1.4 s', source: 'rule' },
  { measure: 'scans', tool: 'simple-scan', value: '10 of 19 / 2 / 2.1 s', source: 'rule' },
  { measure: 'c2', tool: 'RITA v5, score >= 0.7', value: '18 of 25', source: 'rule' },
  { measure: 'c2', tool: 'RITA v5, score >= 0.9', value: '12 of 25', source: 'rule' },
  { measure: 'c2', tool: 'Elastic beaconing, any', value: '8 of 25', source: 'rule' },
  {
    measure: 'benignPairs',
    tool: 'RITA v5, score >= 0.7',
    value: '7.8 (78 of 561 in 10 days)',
    source: 'rule',
  },
  {
    measure: 'benignPairs',
    tool: 'RITA v5, score >= 0.9',
    value: '2.1 (21 of 561 in 10 days)',
    source: 'rule',
  },
  { measure: 'benignPairs', tool: 'Elastic beaconing, any', value: '8.9 (89 in 10 days)', source: 'rule' },
  { measure: 'kubernetesPairs', tool: 'RITA v5, score >= 0.7', value: '15 of 15', source: 'rule' },
  { measure: 'kubernetesPairs', tool: 'RITA v5, score >= 0.9', value: '6 of 15', source: 'rule' },
  { measure: 'kubernetesPairs', tool: 'Elastic beaconing, any', value: '5 of 15', source: 'rule' },
  { measure: 'volume', tool: 'Theia EWMA', value: '7.8 % K8s, 11-21 % hosts', source: 'rule' },
  { measure: 'volume', tool: 'robust z of a minute', value: '9.5-30.7 %', source: 'rule' },
  {
    measure: 'falseAlerts',
    tool: 'Slips, threshold 0.25',
    value: '4.64 windows over 50 days; 3.5 on four days of CTU-Normal',
    source: 'authors',
  },
  {
    measure: 'benignWindows',
    tool: 'Slips, threshold 0.25',
    value: '0.230 (232 of 1,007); 0.20 (14 of 70) on four days of CTU-Normal',
    source: 'authors',
  },
  {
    measure: 'windows',
    tool: 'Slips, threshold 0.25',
    value: '0.475 (precision 0.492, recall 0.459; best over all thresholds 0.554)',
    source: 'authors',
  },
];
