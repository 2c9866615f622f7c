import { z } from 'zod';
import { httpOptions } from '../http-options.ts';

const body = z.record(z.string(), z.unknown());

const signature = z
  .strictObject({
    secret: z.string().min(8).describe('Key that both sides know.').meta({ secret: true }),
    form: z
      .enum(['timestamped', 'body'])
      .default('timestamped')
      .describe(
        '`timestamped`: `X-Weir-Timestamp: SECONDS` and `X-Weir-Signature: v1=HEX` over `SECONDS.BODY`, so that an old request cannot be sent again; `body`: `X-Hub-Signature-256: sha256=HEX` over the body, as GitHub signs.',
      ),
  })
  .describe('Sign every request with HMAC-SHA256.');

const value = z.strictObject({
  of: z.string().min(1).describe('Field that is looked up, such as `severity`.'),
  map: z.record(z.string(), z.string()).describe('Text for each value of the field.'),
  default: z.string().optional().describe('Text for every other value; the value itself when absent.'),
});

export const options = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Address that is called. It is treated as a secret: many receivers are protected by it alone.')
    .meta({ secret: true }),
  method: z.enum(['POST', 'PUT']).default('POST').describe('HTTP method.'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/), z.string().meta({ secret: true }))
    .default({})
    .describe('Further headers, such as `Authorization`; their values are treated as secrets.'),
  body: body
    .optional()
    .describe(
      'JSON object that is sent for each record, with `{FIELD}` in its texts replaced; `{ kind, id, record }` when absent. See the README of the sink.',
    ),
  bodies: z
    .partialRecord(z.enum(['flow', 'alert', 'incident', 'policy_change', 'loss', 'access']), body)
    .default({})
    .describe('Bodies of single kinds of record, instead of `body`.'),
  values: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), value)
    .default({})
    .describe('Names for looked-up values, to be used in bodies as `{NAME}`.'),
  escape: z
    .enum(['none', 'slack', 'html'])
    .default('none')
    .describe(
      'How texts are escaped that come from records: `slack` and `html` leave no link, mention or tag in them. JSON is always escaped.',
    ),
  batchRecords: z
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe('Records in one request; with more than 1 the body is a list.'),
  signature: signature.optional(),
  ...httpOptions,
});

export type Options = z.output<typeof options>;
