/**
 * What a service port is for, as far as that says how much a new edge to it matters: `admin` gives control over the other
 * side, `data` holds what is worth stealing, `web` is what everybody speaks, `basic` is name and time.
 */
export const portClasses = ['other', 'admin', 'data', 'web', 'basic'] as const;
export type PortClass = (typeof portClasses)[number];

/**
 * Remote shells and desktops, file shares and remote calls of Windows, container engines, kubelet, API server and etcd.
 * Assigned by IANA but for 2375-2376 (Docker), 6443, 10250 (Kubernetes).
 */
export const adminPorts = [
  22, 23, 135, 139, 445, 512, 513, 514, 2222, 2375, 2376, 2379, 2380, 3389, 5900, 5985, 5986, 6443, 10250,
] as const;

/**
 * Databases, caches, search, queues and stores by the port their vendors document: MSSQL, Oracle, ZooKeeper, MySQL,
 * PostgreSQL, AMQP, CouchDB, Redis, InfluxDB, Vault, Cassandra, Kafka, Elasticsearch, Memcached, MongoDB, NFS.
 */
export const dataPorts = [
  1433, 1521, 2049, 2181, 3306, 5432, 5671, 5672, 5984, 6379, 8086, 8200, 9042, 9092, 9093, 9200, 9300, 11211,
  27017, 27018,
] as const;

const webPorts = [80, 443, 8080, 8443] as const;
const basicPorts = [53, 123, 853, 5353] as const;

const classes = new Uint8Array(65_536);
for (const port of adminPorts) classes[port] = portClasses.indexOf('admin');
for (const port of dataPorts) classes[port] = portClasses.indexOf('data');
for (const port of webPorts) classes[port] = portClasses.indexOf('web');
for (const port of basicPorts) classes[port] = portClasses.indexOf('basic');

export const portClass = (port: number): PortClass => portClasses[classes[port] ?? 0]!;
