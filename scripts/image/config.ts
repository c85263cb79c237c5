// The image's config: user, entrypoint, environment and labels.

import { userId } from "./root-files.ts";

const source = "https://github.com/kubectl-prefect/kubectl-prefect";

/** The `config` of the OCI image, the same as in scripts/image/Dockerfile. */
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
