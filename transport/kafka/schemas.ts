import type { Logger } from '../../pipeline/contracts.ts';
import { messageOf } from '../../pipeline/errors.ts';
import type { Codec } from '../../schema/codec.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';
import { confluentPrefix, singleObjectPrefix, type SchemaRef } from './framing.ts';
import type { RangeReader } from './reader.ts';
import type { SchemaRegistry } from './registry.ts';

/** Knows which schema a record was written with, and makes ours known to readers. */
export interface SchemaDirectory {
  /** Reads the schema topic to its present end. */
  start(): Promise<void>;
  /** Bytes to put before each record of a kind; resolves once readers can find the schema. */
  prefixOf(kind: RecordKind, topic: string): Promise<Buffer>;
  /** Single-object encoding with our own schema. */
  own<K extends RecordKind>(kind: K): OwnFraming<K>;
  /** A decoder that is at hand: no I/O. */
  known<K extends RecordKind>(kind: K, schema: SchemaRef): Decoder<K> | undefined;
  /** Looks the schema up; undefined when nobody has published it yet. */
  resolve<K extends RecordKind>(kind: K, schema: SchemaRef): Promise<Decoder<K> | undefined>;
}

/** Throws when the payload does not fit the schema it names, or the schema not the kind. */
export type Decoder<K extends RecordKind> = (payload: Buffer) => RecordTypes[K];

export interface OwnFraming<K extends RecordKind> {
  readonly prefix: Buffer;
  readonly decode: Decoder<K>;
}

/** The codec of each kind; another one plays another version of Weir. */
export type CodecOf = <K extends RecordKind>(kind: K) => Codec<K>;

/** What the directory needs: `publish` resolves when the message is durable. */
export interface SchemaTopic {
  readonly name: string;
  readonly reader: Pick<RangeReader, 'bounds' | 'read'>;
  publish(key: string, value: string): Promise<void>;
}

/** Schemas ever seen; theirs are a handful per version of Weir. */
const MAX_SCHEMAS = 2_000;

export function schemaDirectory(parts: {
  readonly topic: SchemaTopic;
  readonly registry: SchemaRegistry | null;
  readonly log: Logger;
  readonly codec: CodecOf;
}): SchemaDirectory {
  const { topic, registry, log, codec } = parts;
  const texts = new Map<string, string>();
  const decoders = new Map<string, Decoder<RecordKind>>();
  const prefixes = new Map<string, Promise<Buffer>>();
  let position = 0;
  let reading: Promise<void> | undefined;

  async function readOn(): Promise<void> {
    const { first, end } = await topic.reader.bounds(topic.name, 0);
    // The topic was made anew: what is in it now has lower offsets.
    if (position > end) position = 0;
    for await (const { offset, key, value } of topic.reader.read({
      topic: topic.name,
      partition: 0,
      from: Math.max(first, position),
      to: end,
    })) {
      position = offset + 1;
      if (!key || !value) continue;
      if (texts.size >= MAX_SCHEMAS)
        log.warn({ topic: topic.name, offset }, 'too many schemas, one is ignored');
      else texts.set(`f:${key.toString()}`, value.toString());
    }
    position = Math.max(position, end);
  }

  /** One reading at a time; who asks meanwhile waits for one that starts after the question. */
  async function refresh(): Promise<void> {
    if (reading) await reading.catch(() => {});
    await (reading ??= readOn().finally(() => (reading = undefined)));
  }

  async function publish(kind: RecordKind, topicName: string): Promise<Buffer> {
    const own = codec(kind);
    if (registry) return confluentPrefix(await registry.register(topicName, own.schema));
    const name = own.fingerprint.toString('hex');
    if (!texts.has(`f:${name}`)) {
      await topic.publish(name, own.schema);
      texts.set(`f:${name}`, own.schema);
      log.info({ kind, fingerprint: name, topic: topic.name }, 'schema published');
    }
    return singleObjectPrefix(own.fingerprint);
  }

  async function textOf(schema: SchemaRef): Promise<string | null> {
    const cached = texts.get(schema.name);
    if (cached !== undefined) return cached;
    if (schema.form === 'fingerprint') {
      await refresh();
      return texts.get(schema.name) ?? null;
    }
    if (!registry) return null;
    const text = await (schema.form === 'id' ? registry.byId(schema.id) : registry.byGuid(schema.guid));
    if (text !== null && texts.size < MAX_SCHEMAS) texts.set(schema.name, text);
    return text;
  }

  function remember<K extends RecordKind>(kind: K, schema: SchemaRef, decoder: Decoder<K>): Decoder<K> {
    if (decoders.size >= MAX_SCHEMAS) decoders.clear();
    decoders.set(`${kind} ${schema.name}`, decoder);
    return decoder;
  }

  /** A schema that cannot be resolved to ours makes every record of it undecodable; it is looked at once. */
  function build<K extends RecordKind>(kind: K, text: string): Decoder<K> {
    try {
      return codec(kind).decoderFor(text);
    } catch (cause) {
      const error = new Error(`written with a schema that does not resolve to ours: ${messageOf(cause)}`, {
        cause,
      });
      return () => {
        throw error;
      };
    }
  }

  const framings = new Map<RecordKind, OwnFraming<RecordKind>>();

  return {
    own<K extends RecordKind>(kind: K) {
      let framing = framings.get(kind) as OwnFraming<K> | undefined;
      if (!framing) {
        const own = codec(kind);
        framing = { prefix: singleObjectPrefix(own.fingerprint), decode: (payload) => own.decode(payload) };
        framings.set(kind, framing);
      }
      return framing;
    },
    async start() {
      await refresh();
    },
    prefixOf(kind, topicName) {
      const name = registry ? `${kind} ${topicName}` : kind;
      let prefix = prefixes.get(name);
      if (!prefix) {
        prefix = publish(kind, topicName);
        prefix.catch(() => prefixes.delete(name));
        prefixes.set(name, prefix);
      }
      return prefix;
    },
    known<K extends RecordKind>(kind: K, schema: SchemaRef) {
      return decoders.get(`${kind} ${schema.name}`) as Decoder<K> | undefined;
    },
    async resolve(kind, schema) {
      const known = this.known(kind, schema);
      if (known) return known;
      const text = await textOf(schema);
      return text === null ? undefined : remember(kind, schema, build(kind, text));
    },
  };
}
