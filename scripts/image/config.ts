// The image's config: as whom it runs what, where it finds certificates, and what it says of itself.

import { userId } from "./root-files.ts";

const source = "https://github.com/kubectl-prefect/kubectl-prefect";

/** The `config` of the OCI image; scripts/image/Dockerfile says the same in Docker's words. */
export function imageConfig(version: string): Readonly<Record<string, unknown>> {
  return {
    User: `${userId}:${userId}`,
    Env: ["PATH=/", "HOME=/home/nonroot", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
    Entrypoint: ["/kubectl-prefect"],
    WorkingDir: "/home/nonroot",
    Labels: {
      "org.opencontainers.image.licenses": "Apache-2.0",
      "org.opencontainers.image.source": source,
      "org.opencontainers.image.title": "kubectl-prefect",
      "org.opencontainers.image.version": version,
    },
  };
}
