// Where a command looks for flow runs.

import type { Connection } from "../kube/client/connect.ts";
import type { RunDirectories } from "./run-directories.ts";

/** A cluster, a namespace (undefined for all), and the Prefect APIs. */
export interface ClusterScope {
  readonly connection: Connection;
  readonly namespace: string | undefined;
  readonly directories: RunDirectories;
}
