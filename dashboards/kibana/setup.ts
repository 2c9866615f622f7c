import { savedObjects } from './objects.ts';
import { spacePath, type Place } from './place.ts';
import { detectionRules } from './rules.ts';
import { ndjson } from './saved-object.ts';

/** One request to the API of Kibana. */
export interface KibanaRequest {
  readonly why: string;
  readonly path: string;
  /** An object, or lines of NDJSON that are sent as a file. */
  readonly body: { readonly json: object } | { readonly lines: readonly object[] };
  readonly reads: 'space' | 'objects' | 'rules';
}

export interface SetupOptions {
  /** Puts our rules in the place of those that are there, and with that switches them off. */
  readonly replaceRules: boolean;
  /** What the space is called; null where it is not to be made. */
  readonly spaceName: string | null;
}

/** What is put into a place, in order. Repeating it is safe. */
export function kibanaRequests(place: Place, { replaceRules, spaceName }: SetupOptions): KibanaRequest[] {
  const base = spacePath(place.space);
  const requests: KibanaRequest[] = [];
  if (spaceName !== null && place.space !== 'default')
    requests.push({
      why: `space ${place.space}`,
      path: '/api/spaces/space',
      body: { json: { id: place.space, name: spaceName } },
      reads: 'space',
    });
  requests.push(
    {
      why: 'data views, saved searches and dashboards',
      path: `${base}/api/saved_objects/_import?overwrite=true`,
      body: { lines: savedObjects(place) },
      reads: 'objects',
    },
    {
      why: replaceRules ? 'detection rules' : 'detection rules; those that are there are left as they are',
      path: `${base}/api/detection_engine/rules/_import?overwrite=${replaceRules}`,
      body: { lines: detectionRules(place) },
      reads: 'rules',
    },
  );
  return requests;
}

/** A file as `multipart/form-data`. Kibana wants a name that ends in `.ndjson`. */
export function multipart(lines: readonly object[]): { contentType: string; body: string } {
  const boundary = 'weir-saved-objects-3f1c';
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body:
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="weir.ndjson"\r\n` +
      `Content-Type: application/ndjson\r\n\r\n${ndjson(lines)}\r\n--${boundary}--\r\n`,
  };
}
