import { options as file } from './file/options.ts';
import { options as journald } from './journald/options.ts';
import { options as kafka } from './kafka/options.ts';
import { options as stdin } from './stdin/options.ts';

/** Inputs by the name used under `from:`. Each module exports `create(options, context: InputContext): Input`. */
export const inputs = {
  file: { options: file, load: () => import('./file/index.ts') },
  stdin: { options: stdin, load: () => import('./stdin/index.ts') },
  journald: { options: journald, load: () => import('./journald/index.ts') },
  kafka: { options: kafka, load: () => import('./kafka/index.ts') },
} as const;

export type InputName = keyof typeof inputs;
