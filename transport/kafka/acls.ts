import type { Options, TopicKey } from './options.ts';
import { topicSettings } from './topics.ts';

export type Role = 'collector' | 'enricher' | 'detectors' | 'sinks';
export const roles: readonly Role[] = ['collector', 'enricher', 'detectors', 'sinks'];

/** What each role does with the topics. Everyone reads and publishes schemas. */
const needs: Record<Role, { readonly write: readonly TopicKey[]; readonly read: readonly TopicKey[] }> = {
  collector: {
    write: ['flows', 'policyChanges', 'losses', 'deadletter', 'access', 'schemas'],
    // Lines that were refused are read again by who knows how.
    read: ['deadletter', 'schemas'],
  },
  enricher: {
    write: ['enriched', 'rekeyed', 'inventory', 'policyChanges', 'losses', 'deadletter', 'schemas'],
    read: ['flows', 'inventory', 'control', 'schemas'],
  },
  detectors: {
    write: ['alerts', 'incidents', 'losses', 'deadletter', 'control', 'access', 'state', 'schemas'],
    read: ['enriched', 'rekeyed', 'alerts', 'control', 'state', 'schemas'],
  },
  sinks: {
    write: ['losses', 'deadletter', 'access', 'schemas'],
    read: ['enriched', 'alerts', 'incidents', 'policyChanges', 'losses', 'access', 'deadletter', 'schemas'],
  },
};

/** One rule, as `kafka-acls` takes it. */
export interface Acl {
  readonly role: Role;
  readonly resource: 'topic' | 'group';
  readonly name: string;
  readonly pattern: 'literal' | 'prefixed';
  readonly operations: readonly ('Read' | 'Write' | 'Describe' | 'DescribeConfigs')[];
}

/** The least that each role needs. Read and Write imply Describe; DescribeConfigs is for the check at start. */
export function aclsOf(options: Options): readonly Acl[] {
  const settings = topicSettings(options);
  const acls: Acl[] = [];
  for (const role of roles) {
    const { read, write } = needs[role];
    for (const key of Object.keys(settings) as TopicKey[]) {
      const operations: Acl['operations'][number][] = [];
      if (read.includes(key)) operations.push('Read');
      if (write.includes(key)) operations.push('Write');
      if (operations.length === 0) continue;
      operations.push('DescribeConfigs');
      acls.push({ role, resource: 'topic', name: settings[key].name, pattern: 'literal', operations });
    }
    acls.push({
      role,
      resource: 'group',
      name: options.prefix + groupPrefix(role),
      pattern: 'prefixed',
      operations: ['Read'],
    });
  }
  return acls;
}

/** Names of the groups of a role begin with this. */
export const groupPrefix = (role: Role): string =>
  ({
    collector: 'weir.collector.',
    enricher: 'weir.enricher',
    detectors: 'weir.detectors',
    sinks: 'weir.sink.',
  })[role];

/** The rules as commands, with a user by role to be replaced. */
export function aclCommands(options: Options): string {
  const bootstrap = options.brokers.join(',');
  const lines: string[] = [];
  let role: Role | null = null;
  for (const acl of aclsOf(options)) {
    if (acl.role !== role) lines.push(`# ${acl.role}`);
    role = acl.role;
    const operations = acl.operations.map((operation) => `--operation ${operation}`).join(' ');
    const pattern = acl.pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : '';
    lines.push(
      `kafka-acls --bootstrap-server ${bootstrap} --command-config admin.properties --add ` +
        `--allow-principal User:weir-${role} ${operations} --${acl.resource} '${acl.name}'${pattern}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
