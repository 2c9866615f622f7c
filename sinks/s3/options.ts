import { z } from 'zod';
import { byteSize, duration } from '../../pipeline/units.ts';

export const options = z.strictObject({
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket')
    .describe('Bucket that objects are put into. It is not made by Weir.'),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9!_.*'()/-]*$/, "expected letters, digits and `!_.*'()/-`")
    .default('weir')
    .describe('First part of every key; empty for none.'),
  region: z.string().min(1).default('us-east-1').describe('Region of the bucket.'),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address of a store that is not AWS, such as MinIO, Ceph or OpenShift Data Foundation.'),
  pathStyle: z
    .boolean()
    .optional()
    .describe('Name the bucket in the path, not in the host; true when `endpoint` is given.'),
  credentials: z
    .strictObject({
      accessKeyId: z.string().min(1).describe('Access key.').meta({ secret: true }),
      secretAccessKey: z.string().min(1).describe('Its secret.').meta({ secret: true }),
      sessionToken: z.string().min(1).optional().describe('Session token.').meta({ secret: true }),
    })
    .optional()
    .describe(
      "Keys; when absent those of the environment, the pod's service account or the machine, as every AWS client finds them.",
    ),
  tls: z
    .strictObject({
      ca: z
        .string()
        .optional()
        .describe("Authorities that may have signed the store's certificate: `file:PATH` or PEM."),
    })
    .prefault({})
    .describe('TLS settings of `https` endpoints.'),
  encryption: z
    .strictObject({
      algorithm: z.enum(['AES256', 'aws:kms']).describe('How the store encrypts objects.'),
      kmsKeyId: z.string().min(1).optional().describe('Key of `aws:kms`; the default key when absent.'),
    })
    .optional()
    .describe("Encryption at rest; the bucket's default when absent."),
  storageClass: z
    .enum([
      'STANDARD',
      'STANDARD_IA',
      'ONEZONE_IA',
      'INTELLIGENT_TIERING',
      'GLACIER_IR',
      'GLACIER',
      'DEEP_ARCHIVE',
    ])
    .optional()
    .describe("Storage class; the bucket's default when absent."),
  objectRecords: z.int().min(1).max(50_000).default(20_000).describe('Most records in one object.'),
  objectBytes: byteSize()
    .prefault('32MB')
    .describe('Most bytes that one object is made of, as they lie in the log, before compression.'),
  objectEveryMs: duration()
    .prefault('1m')
    .describe(
      'How long records wait for an object to fill. What waits is not lost in a crash: it is read again.',
    ),
  timeoutMs: duration().prefault('60s').describe('How long one upload may take before it is tried again.'),
});

export type Options = z.output<typeof options>;
