import { isFields } from './component.ts';
import type { Path } from './problems.ts';
import { schemasAt, unwrap, type AnySchema } from './schema-walk.ts';
import type { Registries } from './schema.ts';

/** Names that mark a value as a secret wherever they stand, whatever a schema forgot to say. */
const secretName =
  /^(password|passphrase|secret|token|api_?key|bearer|key|credentials?|.*(Password|Secret|Token))$/i;

/** The schemas of the value at a path of the file, found by the `type` of the component it belongs to. */
function schemasOf(file: unknown, path: Path, registries: Registries): readonly AnySchema[] {
  const [section, name, ...rest] = path;
  if (section === 'kafka') return schemasAt(registries.kafka, path.slice(1));
  if (name === undefined || !isFields(file)) return [];
  const holder = isFields(file[String(section)])
    ? (file[String(section)] as Record<string, unknown>)[String(name)]
    : undefined;
  if (section === 'detectors') return schemasIn(registries.detectors, String(name), rest);
  const type = isFields(holder) ? String(holder['type']) : '';
  if (section === 'sinks') return schemasIn(registries.sinks, type, rest);
  if (section !== 'sources') return schemasAt(registries.enricher, path);
  if (rest[0] === 'from') return schemasIn(registries.inputs, String(rest[1]), rest.slice(2));
  return schemasIn(registries.sources, type, rest);
}

const schemasIn = (registry: Registries['sources'], type: string, path: Path): readonly AnySchema[] =>
  Object.hasOwn(registry, type) ? schemasAt(registry[type]!.options, path) : [];

/** Whether the value at a path is a secret, by its schema or by its name. */
export function isSecret(file: unknown, path: Path, registries: Registries): boolean {
  const name = path.findLast((part) => typeof part === 'string');
  if (typeof name === 'string' && secretName.test(name)) return true;
  return schemasOf(file, path, registries).some((schema) => unwrap(schema).secret);
}

/**
 * Whether a component reads a `file:` reference itself, so that a renewed certificate is taken up without a
 * restart: its option carries the meta `fileReference`.
 */
export const keepsReference = (file: unknown, path: Path, registries: Registries): boolean =>
  schemasOf(file, path, registries).some((schema) => unwrap(schema).fileReference);
