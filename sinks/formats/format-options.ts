import { z } from 'zod';
import { sinkKinds } from '../base-options.ts';

/** What a SIEM can be sent. */
export const formatNames = ['json', 'cef', 'leef', 'ecs-json', 'ocsf'] as const;
export type FormatName = (typeof formatNames)[number];

const source = z.union([
  z.string(),
  z.null(),
  z.strictObject({
    field: z.string().optional().describe('Field of the record, by the name that filters use.'),
    value: z.string().optional().describe('Constant text, in place of `field`.'),
    label: z.string().optional().describe('Label of a CEF custom field (`csNLabel`).'),
  }),
]);

/** Options that every sink with formats has. */
export const formatOptions = {
  format: z
    .enum(formatNames)
    .default('json')
    .describe(
      'Payload: the record as one JSON object, CEF, LEEF 2.0, the ECS document that Elasticsearch would be given, or an OCSF 1.8 event.',
    ),
  cefVersion: z
    .union([z.literal(0), z.literal(1)])
    .default(0)
    .describe('Version in the CEF header; 1 adds `frameworkName` and `threatAttackID`.'),
  fields: z
    .partialRecord(z.enum(sinkKinds), z.record(z.string(), source))
    .default({})
    .describe(
      'Fields by kind of record, each with the field of the record it is filled from, `{ value: TEXT }`, or nothing to leave it out. CEF and LEEF fields are added or replaced; `json` gets them at the top, `ecs-json` under `labels`, `ocsf` under `unmapped`.',
    ),
};
