import { z } from 'zod';

/** Fields that every detector has. The runtime acts on them; a detector never sees a flow that `where` leaves out. */
export const baseOptions = {
  enabled: z.boolean().default(true).describe('Whether the detector runs.'),
  where: z
    .string()
    .optional()
    .describe('KQL filter over flows; only flows that match are shown to the detector. All when absent.'),
} as const;
