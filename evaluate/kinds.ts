/** Kinds of attack, with the words by which labels, names and subjects of cases tell them. The first match decides. */
const words = {
  exploit: /cve|exploit|traversal|ssrf|injection/i,
  brute_force: /brute|password|guessing/i,
  reconnaissance: /recon(?!nect)/i,
  scan: /scan|sweep|nmap|knock|discovery/i,
  flood: /flood|d?dos\b|amplif/i,
  lateral_movement: /lateral|psexec|winrm|wmi/i,
  c2: /beacon|\bc2\b|c&c|\bcc\b|command.and.control|honestimnotevil|botnet|njrat|remcos|\w*rat\b|empire|merlin|posh|sliver|covenant|cobalt|havoc|mythic|meterpreter|reverse.?shell|malware/i,
  exfiltration: /exfil|upload/i,
} as const;

export type AttackKind = keyof typeof words | 'other';
export const attackKinds: readonly AttackKind[] = [...(Object.keys(words) as AttackKind[]), 'other'];

/** The kind that the first telling text names: the label's detail is asked before the case's name and subject. */
export function kindOf(texts: readonly string[]): AttackKind {
  for (const text of texts)
    for (const [kind, pattern] of Object.entries(words)) if (pattern.test(text)) return kind as AttackKind;
  return 'other';
}

/** Whether a case is of Kubernetes, where probes and controllers make every pod pair periodic. */
export const isKubernetes = (subject: { name: string; about: string }): boolean =>
  /k8s|kube/i.test(`${subject.name} ${subject.about}`);
