import { discoverLink } from '../../dashboards/kibana/discover-link.ts';
import { everything, placeOfSinks, type Place } from '../../dashboards/kibana/place.ts';
import type { DeliverOptions } from '../../pipeline/deliver.ts';
import type { Alert, RecordKind, RecordTypes } from '../../schema/records.ts';
import type { BulkOptions } from '../../sinks/bulk-options.ts';
import { placeOf } from '../../sinks/bulk/place.ts';
import { spaceOf } from '../../sinks/bulk/rights.ts';
import type { Config } from '../config/index.ts';

/** Where in Kibana a tenant looks, and who is limited to none. */
const whereabouts = (kibana: Config['kibana'], tenant: string | null): Pick<Place, 'space' | 'suffix'> =>
  tenant === null
    ? { space: kibana?.space ?? 'default', suffix: '' }
    : { space: spaceOf(tenant), suffix: spaceOf(tenant).replace(/^weir-/, '') };

/** The place of a tenant, or of what is limited to none, with the indices that its sinks write. */
export function kibanaPlace(config: Pick<Config, 'kibana' | 'sinks'>, tenant: string | null): Place {
  const here = whereabouts(config.kibana, tenant);
  const sinks = config.sinks.filter((sink) => sink.type === 'elasticsearch' && sink.tenant === tenant);
  const options = sinks.length > 0 ? sinks.map((sink) => sink.options as BulkOptions) : null;
  if (options !== null)
    return placeOfSinks(
      options.map((each) => placeOf(each, tenant)),
      here,
    );
  return tenant === null
    ? { ...everything, ...here }
    : placeOfSinks([placeOf({ layout: 'data_stream' }, tenant)], here);
}

/** Tenants that have indices, and with them a space, of their own. */
export const kibanaTenants = (config: Pick<Config, 'sinks'>): string[] => [
  ...new Set(
    config.sinks.flatMap(({ type, tenant }) => (type === 'elasticsearch' && tenant !== null ? [tenant] : [])),
  ),
];

/** Gives each alert that a sink is shown the address of its flows, in the space of who the sink is for. */
export function withKibanaLinks(
  view: DeliverOptions['view'],
  kibana: Config['kibana'],
  tenant: string | null,
): DeliverOptions['view'] {
  if (kibana === null) return view;
  const here = whereabouts(kibana, tenant);
  return <K extends RecordKind>(kind: K, record: RecordTypes[K]): RecordTypes[K] | null => {
    const seen = view(kind, record);
    if (kind !== 'alert' || seen === null) return seen;
    const alert = seen as Alert;
    const link = discoverLink(kibana.url, here, alert);
    // Other sinks are shown the same object.
    return { ...alert, links: { ...alert.links, kibana: link } } as RecordTypes[K];
  };
}
