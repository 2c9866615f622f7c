import { z } from 'zod';

const cidr = z
  .string()
  .regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/, 'expected a network such as 10.0.0.0/8 or fd00::/8')
  .describe('A network in CIDR form.');
const labelName = z.string().min(1).describe('A Kubernetes label key.');

/** Where the objects of the cluster are read from. */
export const inventory = z
  .strictObject({
    files: z
      .array(
        z.union([
          z.string().min(1).describe('Path or glob; the objects belong to the configured cluster.'),
          z.strictObject({
            path: z.string().min(1).describe('Path or glob.'),
            cluster: z.string().min(1).describe('Cluster the objects belong to.'),
          }),
        ]),
      )
      .default([])
      .describe('Output of `kubectl get pods,services,… -A -o json` (or YAML); read again when it changes.'),
    pollMs: z
      .int()
      .min(100)
      .default(5_000)
      .describe('How often the files are looked at for a change, in ms.'),
    historyMs: z
      .int()
      .min(0)
      .default(7 * 86_400_000)
      .describe('How long an object that is gone still names flows of its time, in ms.'),
    maxVersions: z
      .int()
      .min(1)
      .default(32)
      .describe('Greatest number of holders remembered for one address.'),
    cacheEntries: z
      .int()
      .min(1_000)
      .default(100_000)
      .describe('Greatest number of resolved addresses kept in memory.'),
  })
  .prefault({})
  .describe('Inventory of the cluster: what an address belonged to, as of the time of the flow.');

export const networks = z
  .strictObject({
    internal: z.array(cidr).default([]).describe('Networks that count as inside, own public space included.'),
    named: z
      .record(z.string().min(1), z.array(cidr))
      .default({})
      .describe('Named networks; the longest prefix that holds an address gives its `networkSet`.'),
  })
  .prefault({})
  .describe('What an address is by its network.');

export const tenants = z
  .strictObject({
    label: labelName.nullable().default(null).describe('Namespace label whose value is the tenant.'),
    default: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe('Tenant of what is in the cluster and has no other.'),
    cidrs: z
      .record(z.string().min(1), z.array(cidr))
      .default({})
      .describe('Networks of a tenant, for addresses whose namespace names none; the longest prefix wins.'),
  })
  .prefault({})
  .describe('Which tenant an endpoint belongs to.');

export const owners = z
  .strictObject({
    label: labelName
      .nullable()
      .default(null)
      .describe('Label of pod, workload or namespace (in this order) that names the team.'),
  })
  .prefault({})
  .describe('Which team owns an endpoint.');

export const scopes = z
  .record(
    z.string().min(1),
    z.strictObject({
      namespaceLabel: z
        .record(labelName, z.string())
        .default({})
        .describe('Namespaces in scope: each label must have the value given.'),
      cidrs: z.array(cidr).default([]).describe('Networks in scope.'),
    }),
  )
  .default({})
  .describe('Compliance scopes, such as pci: a namespace by its labels, an address by its network.');

/** What the enricher is configured with; each key is a key of the configuration file. */
export const options = z.strictObject({ inventory, networks, tenants, owners, scopes });
export type Options = z.output<typeof options>;
