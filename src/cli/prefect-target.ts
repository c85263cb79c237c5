// Prefect's configuration → where and as whom to speak to its API.

import type { PrefectConfig } from "../config/prefect-config.ts";
import type { PrefectTarget } from "./context.ts";

/** The API that the configuration means. */
export function prefectTarget(config: PrefectConfig): PrefectTarget {
  return {
    url: config.apiUrl.value,
    backend: config.backend.value,
    apiKey: config.apiKey?.value,
    tenantId: config.tenantId?.value,
    timeoutMs: config.requestTimeoutSeconds.value * 1_000,
  };
}
