import { WeirError, messageOf } from '../../pipeline/errors.ts';

/** The few calls of a Confluent-compatible schema registry that are needed to write and read records. */
export interface SchemaRegistry {
  /** Id of the schema under `<topic>-value`, registered when it is not there yet. */
  register(topic: string, schema: string): Promise<number>;
  /** Schema text; null when the registry does not know it. */
  byId(id: number): Promise<string | null>;
  byGuid(guid: string): Promise<string | null>;
}

const TIMEOUT_MS = 10_000;
const TYPE = 'application/vnd.schemaregistry.v1+json';

/** User and password may be in the address. Throws schema_unknown when it cannot be reached: retryable. */
export function schemaRegistry(address: string): SchemaRegistry {
  const base = new URL(address);
  const headers: Record<string, string> = { accept: TYPE, 'content-type': TYPE };
  if (base.username !== '') {
    const user = `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
    base.username = base.password = '';
  }
  const root = base.href.replace(/\/$/, '');
  const ids = new Map<string, number>();

  async function call(path: string, body?: object): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(root + path, {
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
      });
    } catch (cause) {
      throw new WeirError(
        'schema_unknown',
        `schema registry ${root} cannot be reached: ${messageOf(cause)}`,
        { cause },
      );
    }
    const text = await response.text();
    if (response.status === 404 && !body) return null;
    if (response.ok) return JSON.parse(text) as unknown;
    const code = response.status >= 500 || response.status === 429 ? 'schema_unknown' : 'log_misconfigured';
    throw new WeirError(
      code,
      `schema registry ${root}${path} answered ${response.status}: ${text.slice(0, 300)}`,
    );
  }

  const schemaOf = (answer: unknown): string | null => (answer as { schema?: string } | null)?.schema ?? null;

  return {
    async register(topic, schema) {
      const cached = ids.get(`${topic} ${schema}`);
      if (cached !== undefined) return cached;
      const answer = await call(`/subjects/${encodeURIComponent(`${topic}-value`)}/versions`, { schema });
      const { id } = answer as { id: number };
      ids.set(`${topic} ${schema}`, id);
      return id;
    },
    byId: async (id) => schemaOf(await call(`/schemas/ids/${id}`)),
    byGuid: async (guid) => schemaOf(await call(`/schemas/guids/${guid}`)),
  };
}
