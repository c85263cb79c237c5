// Prefect's configuration → address, credentials and timeout of its API.

import type { PrefectConfig } from "../prefect1/config/load.ts";
import type { PrefectConnection } from "../prefect1/connect.ts";

/** The Prefect 1 API. */
export function prefectTarget(config: PrefectConfig): PrefectConnection {
  return {
    url: config.apiUrl.value,
    backend: config.backend.value,
    apiKey: config.apiKey?.value,
    tenantId: config.tenantId?.value,
    timeoutMs: config.requestTimeoutSeconds * 1_000,
  };
}
