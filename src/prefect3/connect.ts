// Connects to Prefect 2 or 3. Loaded only when there are flow runs of Prefect 2 or 3.

import { apiUrl, certificatesIn, prefectConnection, type EnvironmentDeps } from "../http/environment.ts";
import { Prefect3Client, type Prefect3Options } from "./client.ts";
import type { Prefect3Target } from "./settings.ts";

/** Throws SettingsError when the URL, a proxy or a file of authorities is invalid. */
export function connectPrefect3(
  target: Prefect3Target,
  deps: EnvironmentDeps,
  options: Pick<Prefect3Options, "timeoutMs" | "onAnswer">,
): Prefect3Client {
  const url = apiUrl(target.url, "PREFECT_API_URL", "http://localhost:4200/api");
  const { certFile = "", skipVerify = false } = target;
  const { proxy, tls } = prefectConnection(url, deps);
  const named = certificatesIn(certFile, "PREFECT_API_SSL_CERT_FILE", deps);
  const ca = tls && [...(tls.ca ?? []), ...named];
  const connection = { proxy, tls: { ca, rejectUnauthorized: skipVerify ? false : undefined } };
  return new Prefect3Client({ ...target, ...options, connection });
}
