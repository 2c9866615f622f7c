import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { PartialWriteError, WeirError } from '../../../pipeline/errors.ts';
import { create } from '../../../sinks/s3/index.ts';
import { options as schema } from '../../../sinks/s3/options.ts';
import { sinkContract, someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { s3, type S3 } from '../../services/s3.ts';

const never = new AbortController().signal;
/** Frozen: the client writes into what it is given. */
const credentials = Object.freeze({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret of a test' });
const cleanUps: (() => void | Promise<void>)[] = [];
after(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});
let server: Promise<S3 | null> | null = null;

/** One server for the file; every test is skipped where there is none. */
async function running(t: TestContext): Promise<S3 | null> {
  let reason = 'no S3';
  server ??= s3({ after: (fn) => void cleanUps.push(fn), skip: (why) => (reason = why ?? reason) });
  const found = await server;
  if (!found) t.skip(reason);
  return found;
}

function clientOf(url: string): S3Client {
  return new S3Client({
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    credentials: { ...credentials },
  });
}

async function objectsIn(
  url: string,
  bucket: string,
): Promise<(GetObjectCommandOutput & { key: string; bytes: Buffer })[]> {
  const client = clientOf(url);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  const found = [];
  for (const { Key: key = '' } of Contents) {
    const object = await client.send(
      new GetObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }),
    );
    found.push({ ...object, key, bytes: Buffer.from(await object.Body!.transformToByteArray()) });
  }
  client.destroy();
  return found;
}

async function bucketOn(url: string): Promise<string> {
  const bucket = `weir-${randomUUID()}`;
  const client = clientOf(url);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

const idsIn = async (url: string, bucket: string): Promise<string[]> =>
  (await objectsIn(url, bucket)).flatMap(({ bytes }) =>
    gunzipSync(bytes)
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { id: string }).id),
  );

sinkContract({
  name: 's3',
  deduplicates: false,
  async create(t, context) {
    const far = await running(t);
    if (!far) return null;
    const bucket = await bucketOn(far.url);
    const sink = create(schema.parse({ endpoint: far.url, bucket, credentials }), context);
    return { sink, delivered: () => idsIn(far.url, bucket) };
  },
});

test('s3: an object carries the digest that the store and a reader can check, and the same write is one object', async (t) => {
  const far = await running(t);
  if (!far) return;
  const bucket = await bucketOn(far.url);
  const sink = create(schema.parse({ endpoint: far.url, bucket, credentials }), testContext());
  t.after(() => sink.stop?.(never));
  await sink.start!(never);
  const items = someFlows(100);
  await sink.write(items, never);
  await sink.write(items, never);
  const objects = await objectsIn(far.url, bucket);
  assert.equal(
    objects.length,
    new Set(items.map(({ record }) => Math.floor((record as { endMs: number }).endMs / 3_600_000))).size,
  );
  for (const { bytes, Metadata, ChecksumSHA256, ContentEncoding } of objects) {
    const digest = createHash('sha256').update(bytes).digest();
    assert.equal(Metadata?.['weir-sha256'], digest.toString('hex'));
    assert.equal(ChecksumSHA256, digest.toString('base64'));
    assert.equal(ContentEncoding, 'gzip');
  }
});

test('s3: a bucket that is not there is said at the start, and a write to it waits', async (t) => {
  const far = await running(t);
  if (!far) return;
  const sink = create(schema.parse({ endpoint: far.url, bucket: 'never-made', credentials }), testContext());
  t.after(() => sink.stop?.(never));
  await assert.rejects(
    sink.start!(never),
    (error: unknown) => error instanceof WeirError && error.code === 'sink_misconfigured',
  );
  await assert.rejects(sink.write(someFlows(2), never), (error: unknown) => {
    assert.ok(error instanceof PartialWriteError);
    assert.deepEqual(
      error.refusals.map(({ code, retryable }) => [code, retryable]),
      [
        ['sink_misconfigured', true],
        ['sink_misconfigured', true],
      ],
    );
    assert.ok(!error.message.includes(credentials.secretAccessKey));
    return true;
  });
});

test('s3: a store that is killed and comes back is given what it has not', async (t) => {
  const far = await running(t);
  if (!far) return;
  const bucket = await bucketOn(far.url);
  const sink = create(schema.parse({ endpoint: far.url, bucket, credentials }), testContext());
  t.after(() => sink.stop?.(never));
  const items = someFlows(10);
  await far.kill();
  await assert.rejects(
    sink.write(items, never),
    (error: unknown) =>
      error instanceof PartialWriteError &&
      error.refusals.every(({ code, retryable }) => retryable && code === 'sink_unavailable'),
  );
  await far.restart();
  const client = clientOf(far.url);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  await sink.write(items, never);
  assert.equal((await idsIn(far.url, bucket)).length, 10);
});
