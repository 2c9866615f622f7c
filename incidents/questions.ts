/** What to ask first, by the detector that says most. Each README of a detector says what comes after. */
export const questions: Readonly<Record<string, string>> = {
  policy_denied:
    'Should this client reach that service? If so a rule is missing; if not, what started to call it?',
  port_scan: 'Is a scanner or a monitoring tool known to run here, and was it told to?',
  distributed_scan: 'What do the sources have in common, and are they clients of this host?',
  new_edge: 'Was something deployed or configured at that time that needs this connection?',
  control_plane_access: 'What does this workload need of the API server, kubelet, etcd or metadata service?',
  lateral_movement: 'Who was logged in there, and did they mean to go on to these hosts?',
  beacon: 'Which process makes these calls, and is the destination one that somebody here chose?',
  long_connection: 'Which process holds this connection open, and who is at the other end?',
  exfiltration: 'Which data does this workload hold, and is that destination one it may be sent to?',
  brute_force: 'Did one of the attempts succeed, and is the account still safe?',
  flood: 'Does the target still answer, and are the sources real?',
  volume: 'Which release, job or customer changed the traffic at that time?',
  silence: 'Is it down, or did only its log stop?',
  dns_abuse: 'Which process asks for these names, and why not through the resolver of the cluster?',
  threat_intel: 'Which process talks to this address, and since when?',
  verdict_mismatch: 'Does the node run the policies that the API server has?',
  policy_change: 'Who changed the policy, and is there a ticket for it?',
  deny_burst: 'What was deployed just before: the client, or the policy that denies it?',
  rule: 'Does the message of the rule hold here, or does the rule need an exception?',
};

/** Asked where the detector has no question of its own. */
export const anyQuestion = 'Who owns this, and did they expect it?';

/** Of a list that names what a new cluster denies already. */
export const clusterQuestion =
  'Which of these denials are missing rules, and which are clients to be mended? Work through the list once.';
