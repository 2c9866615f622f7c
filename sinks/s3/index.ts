import { HeadBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Context, Sink } from '../../pipeline/contracts.ts';
import { PartialWriteError, messageOf, type Refusal, type WeirError } from '../../pipeline/errors.ts';
import { connect } from './client.ts';
import { storeError } from './errors.ts';
import { groupsOf, objectOf, type Group } from './objects.ts';
import type { Options } from './options.ts';

/**
 * Puts objects of JSON Lines, one for each kind of record and hour of event time in a write. A write resolves when every
 * object is there, its SHA-256 checked by the store. The same write again makes the same objects.
 */
export function create(options: Options, context: Context): Sink {
  const labels = { sink: context.name };
  const objects = context.meter.counter('s3_objects_total', 'Objects put.', ['sink']);
  const bytes = context.meter.counter('s3_bytes_total', 'Bytes of the objects put.', ['sink']);
  const where = `bucket ${options.bucket}`;
  let client: S3Client | null = null;
  const connected = (): S3Client => (client ??= connect(options));

  async function put(group: Group, signal: AbortSignal): Promise<void> {
    const object = await objectOf(group, options.prefix, context.cluster);
    const { encryption, storageClass } = options;
    await connected().send(
      new PutObjectCommand({
        Bucket: options.bucket,
        Key: object.key,
        Body: object.body,
        ContentLength: object.body.length,
        ContentType: 'application/x-ndjson',
        ContentEncoding: 'gzip',
        ChecksumAlgorithm: 'SHA256',
        ChecksumSHA256: object.digest.toString('base64'),
        Metadata: { ...object.metadata },
        ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
        ...(encryption === undefined ? {} : { ServerSideEncryption: encryption.algorithm }),
        ...(encryption?.kmsKeyId === undefined ? {} : { SSEKMSKeyId: encryption.kmsKeyId }),
      }),
      { abortSignal: signal },
    );
    objects.add(1, labels);
    bytes.add(object.body.length, labels);
    context.log.debug({ sink: context.name, key: object.key, bytes: object.body.length }, 'object put');
  }

  return {
    batch: {
      maxRecords: options.objectRecords,
      maxBytes: options.objectBytes,
      maxWaitMs: options.objectEveryMs,
      maxInFlight: 2,
    },
    async start(signal) {
      try {
        await connected().send(new HeadBucketCommand({ Bucket: options.bucket }), { abortSignal: signal });
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const found = storeError(error, where);
        if (found.code !== 'sink_unauthorised') throw found;
        // A sink needs the right to put objects and no other; whether it has that shows with the first of them.
        context.log.warn(
          { sink: context.name, error: found.message },
          'the credentials may not look at the bucket: they were not checked',
        );
      }
    },
    stop() {
      client?.destroy();
      client = null;
      return Promise.resolve();
    },
    async write(items, signal) {
      signal.throwIfAborted();
      const refusals: Refusal[] = [];
      const groups = groupsOf(items, (index, error) => {
        const item = items[index]!;
        const reason = `${item.kind} ${item.record.id}: ${messageOf(error)}`;
        refusals.push({ index, retryable: false, code: 'record_unencodable', reason });
      });
      for (const group of groups) {
        try {
          await put(group, signal);
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          const failed: WeirError = storeError(error, where);
          for (const index of group.indexes)
            refusals.push({ index, retryable: true, code: failed.code, reason: failed.message });
        }
      }
      if (refusals.length > 0) throw new PartialWriteError(refusals.sort((a, b) => a.index - b.index));
    },
  };
}
