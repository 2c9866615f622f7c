import { cefPayload } from './cef.ts';
import { ecsPayload } from './ecs-json.ts';
import { jsonPayload } from './json.ts';
import { leefPayload } from './leef.ts';
import { ocsfPayload } from './ocsf/index.ts';
import type { FormatName } from './format-options.ts';
import type { FormatSettings, Payload } from './payload.ts';

const formats: { readonly [name in FormatName]: (settings: FormatSettings, cefVersion: 0 | 1) => Payload } = {
  json: jsonPayload,
  cef: cefPayload,
  leef: leefPayload,
  'ecs-json': ecsPayload,
  ocsf: ocsfPayload,
};

/** The payload of a format. Throws `config_invalid` for fields that cannot be added to it. */
export const payload = (name: FormatName, settings: FormatSettings, cefVersion: 0 | 1 = 0): Payload =>
  formats[name](settings, cefVersion);
