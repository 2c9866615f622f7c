import { connect, type DetailedPeerCertificate } from 'node:tls';
import { WeirError, messageOf } from '../../pipeline/errors.ts';

const TIMEOUT_MS = 10_000;

/**
 * The authority with this SHA-256 fingerprint out of the chain that a node presents, as PEM. Nothing is trusted by
 * this: the connections that follow verify the node's certificate against the authority in full. (The client's own
 * check compares the fingerprint alone, which a chain with a foreign leaf and the right authority would pass.)
 */
export async function authorityByFingerprint(nodes: readonly string[], fingerprint: string): Promise<string> {
  const wanted = fingerprint.replaceAll(':', '').toUpperCase();
  let problem: unknown;
  for (const node of nodes) {
    try {
      const found = find(await chainOf(new URL(node)), wanted);
      if (found !== null) return found;
      problem = new WeirError(
        'tls_invalid',
        `no certificate that ${node} presents has the fingerprint of \`tls.caFingerprint\``,
      );
    } catch (error) {
      problem ??= error;
    }
  }
  if (problem instanceof WeirError) throw problem;
  throw new WeirError('sink_unavailable', `cannot reach Elasticsearch: ${messageOf(problem)}`, {
    cause: problem,
  });
}

function chainOf(url: URL): Promise<DetailedPeerCertificate> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host,
        port: Number(url.port || 443),
        rejectUnauthorized: false,
        ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      },
      () => {
        resolve(socket.getPeerCertificate(true));
        socket.destroy();
      },
    );
    socket.setTimeout(TIMEOUT_MS, () =>
      socket.destroy(new Error(`no TLS handshake within ${TIMEOUT_MS} ms`)),
    );
    socket.once('error', reject);
  });
}

function find(leaf: DetailedPeerCertificate, wanted: string): string | null {
  const seen = new Set<string>();
  let certificate: DetailedPeerCertificate | undefined = leaf;
  while (certificate?.raw && !seen.has(certificate.fingerprint256)) {
    if (certificate.fingerprint256.replaceAll(':', '') === wanted)
      return `-----BEGIN CERTIFICATE-----\n${certificate.raw.toString('base64')}\n-----END CERTIFICATE-----\n`;
    seen.add(certificate.fingerprint256);
    certificate = certificate.issuerCertificate;
  }
  return null;
}
