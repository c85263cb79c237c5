// The real API clients of a simulated process, over the simulated network.

import { KubeApi } from "../../src/kube/client/api.ts";
import { Transport } from "../../src/kube/client/transport.ts";
import type { CompletedRequest } from "../../src/kube/client/transport.ts";
import { Prefect1Client } from "../../src/prefect1/client.ts";
import { Graphql } from "../../src/prefect1/graphql.ts";
import type { CompletedOperation } from "../../src/prefect1/graphql.ts";
import type { Process } from "./process.ts";
import type { Network } from "./network.ts";
import { kubeOrigin, prefectOrigin } from "./origins.ts";

export interface ConnectionOptions {
  /** Which cluster and Prefect, by number from 0. */
  readonly cluster?: number;
  readonly prefect?: number;
  readonly tenantId?: string;
  /** What its API server's CA hashes to; without it, each cluster has its own. */
  readonly ca?: string;
  /** The bearer token, for clusters with users. */
  readonly token?: string;
  readonly backend?: "cloud" | "server";
  readonly apiKey?: string;
}

interface Observed {
  readonly onKubeRequest?: (seen: CompletedRequest) => void;
  readonly onPrefectRequest?: (seen: CompletedOperation) => void;
}

export function connect(
  { network }: { readonly network: Network },
  process: Process,
  options: ConnectionOptions & Observed,
): { readonly kube: KubeApi; readonly client: Prefect1Client } {
  const { cluster = 0, prefect = 0, backend = "server", apiKey, tenantId, token } = options;
  const { clock } = process;
  const http = network.clientOf(process);
  const transport = new Transport({
    server: kubeOrigin(cluster),
    http,
    credentials: {
      headers: () => Promise.resolve(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      tls: () => Promise.resolve({}),
      refresh: () => false,
    },
    timeoutMs: 30_000,
    userAgent: "simulation",
    onRequest: options.onKubeRequest,
    nowMs: () => clock.ticks(),
  });
  const graphql = new Graphql({
    url: prefectOrigin(prefect),
    apiKey,
    http,
    tenantId,
    timeoutMs: 15_000,
    nowMs: () => clock.ticks(),
    onRequest: options.onPrefectRequest,
  });
  return {
    kube: new KubeApi(transport, kubeOrigin(cluster), options.ca ?? `ca-${cluster}`),
    client: new Prefect1Client(graphql, backend),
  };
}
