/** The document that Elasticsearch would be given; what users add is under `labels`. */
import { anyJson } from '../records/json.ts';
import { ecsDocument } from '../ecs/document.ts';
import { addedFields, valuesOf } from './json.ts';
import type { FormatSettings, Payload } from './payload.ts';
import { shorten } from './shorten.ts';
import { jsonLine, plainId } from './text.ts';

type Document = Record<string, unknown>;

export function ecsPayload(settings: FormatSettings): Payload {
  const own = addedFields(settings, () => false);
  return (item, cap) => {
    if (cap === 0)
      return `{"event":{"id":"${plainId(item.record.id)}","module":"weir","dataset":"weir.${item.kind}"},"tags":["truncated"]}`;
    const fields = own.get(item.kind);
    const text = ecsDocument(item.kind as never, item.record as never);
    if (cap === null && !fields) return jsonLine(text);
    let document = JSON.parse(text) as Document;
    if (fields)
      document['labels'] = { ...(document['labels'] as Document), ...valuesOf(fields, item.record) };
    if (cap !== null) {
      const event = document['event'] as Document;
      document = shorten(document, cap) as Document;
      // What the event is found by stays whole.
      document['event'] = { ...(document['event'] as Document), id: String(event['id']).slice(0, 64) };
      document['tags'] = ['truncated'];
    }
    return jsonLine(anyJson(document));
  };
}
