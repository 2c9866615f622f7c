/** Clients of the control plane met while a cluster is learned, to be listed once when it is. */
export interface ExistingClients {
  add(cluster: string, client: Client): void;
  /** What was gathered of a cluster, and forgets it; undefined when nothing was. */
  take(cluster: string): Gathered | undefined;
  section(): readonly [string, Uint8Array];
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface Client {
  /** Who talks to what, as a person reads it. */
  readonly name: string;
  readonly port: number | null;
  readonly timeMs: number;
}

export interface Gathered {
  clients: number;
  readonly firstMs: number;
  readonly names: string[];
  readonly ports: number[];
}

const MAX_CLUSTERS = 256;
const MAX_NAMES = 50;
const MAX_PORTS = 20;

/** Counts all of them and names the first fifty of a cluster. */
export function createExistingClients(sectionName: string): ExistingClients {
  const clusters = new Map<string, Gathered>();
  return {
    add(cluster, { name, port, timeMs }) {
      let gathered = clusters.get(cluster);
      if (gathered === undefined) {
        if (clusters.size >= MAX_CLUSTERS) return;
        gathered = { clients: 0, firstMs: timeMs, names: [], ports: [] };
        clusters.set(cluster, gathered);
      }
      gathered.clients++;
      if (gathered.names.length < MAX_NAMES && !gathered.names.includes(name)) gathered.names.push(name);
      if (port !== null && gathered.ports.length < MAX_PORTS && !gathered.ports.includes(port))
        gathered.ports.push(port);
    },
    take(cluster) {
      const gathered = clusters.get(cluster);
      clusters.delete(cluster);
      return gathered;
    },
    section: () => [`${sectionName}.clusters`, Buffer.from(JSON.stringify([...clusters]))],
    restore(sections) {
      clusters.clear();
      const bytes = sections.get(`${sectionName}.clusters`);
      const saved = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as [string, Gathered][]) : [];
      for (const [cluster, gathered] of saved) clusters.set(cluster, gathered);
    },
  };
}
