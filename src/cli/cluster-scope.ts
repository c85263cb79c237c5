// Where a command looks for flow runs.

import type { Connection } from "../kube/client/connect.ts";

/** A cluster connection and a namespace; undefined for all. */
export interface ClusterScope {
  readonly connection: Connection;
  readonly namespace: string | undefined;
}
