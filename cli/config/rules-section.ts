import { z } from 'zod';
import { duration } from '../../pipeline/units.ts';

/** Files of rules that come with Weir, by the name of the file in the folder `rules`. */
export const shippedFiles = ['recommended', 'calico_templates'] as const;

/** The section `rules`. */
export const rulesKeys = z.strictObject({
  shipped: z
    .array(z.enum(shippedFiles))
    .default(['recommended'])
    .describe('Rules that come with Weir; an empty list runs none of them.'),
  disabled: z
    .array(z.string())
    .default([])
    .describe('Names of rules that do not run, wherever they are written.'),
  files: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'YAML files, each a list of rules; the last name of a path may be a pattern, as in `/etc/weir/rules.d/*.yaml`.',
    ),
  inline: z
    .array(z.record(z.string(), z.unknown()))
    .default([])
    .describe('Rules written here, in the form that files have.'),
  checkEvery: duration()
    .prefault('10s')
    .describe('How often the configuration and the files are looked at for changes of rules.'),
});

export type RulesKeys = z.output<typeof rulesKeys>;
