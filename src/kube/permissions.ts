// Rights as data: what each feature of the product calls. install makes Roles of it, the agent asks for it at its start.

/** The verbs that we use; `*` only where Prefect's own manifest has it. */
export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "*";

/** What an agent loses without a right, in the words of its start-up check. */
export type Feature =
  | "launching flow runs"
  | "following flow runs"
  | "deleting finished Jobs"
  | "logs of failed pods"
  | "events in flow runs' logs"
  | "removing Dask of cancelled flow runs"
  | "leader election"
  | "cleanup"
  | "flows that start Dask";

/** Verbs on one resource for one feature. A feature may have several rows, a resource too. */
export interface AccessRow {
  /** Empty for the core group. */
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly verbs: readonly Verb[];
  readonly feature: Feature;
}

const JOBS = { group: "batch", resource: "jobs" };
const PODS = { group: "", resource: "pods" };
const EVENTS = { group: "", resource: "events" };
const SERVICES = { group: "", resource: "services" };
const BUDGETS = { group: "policy", resource: "poddisruptionbudgets" };
const DASK_CLUSTERS = { group: "kubernetes.dask.org", resource: "daskclusters" };

/**
 * Every call that the agent makes, and for what. An agent with no other rights is seen to make all of them in a cluster
 * (test/e2e/in-cluster.test.ts), but for these, which have their moments: `get` of a Job whose name is taken, `get` of Job
 * and pods before a run is failed that may have moved on, `patch` of a Job whose own agent is gone, `delete` of
 * DaskClusters where Dask's operator is installed.
 */
export const AGENT_ACCESS: readonly AccessRow[] = [
  { ...JOBS, verbs: ["get", "create"], feature: "launching flow runs" },
  { ...JOBS, verbs: ["get", "list", "watch", "patch"], feature: "following flow runs" },
  { ...PODS, verbs: ["get", "list", "watch"], feature: "following flow runs" },
  { ...JOBS, verbs: ["delete"], feature: "deleting finished Jobs" },
  { ...PODS, subresource: "log", verbs: ["get"], feature: "logs of failed pods" },
  { ...EVENTS, verbs: ["list", "watch"], feature: "events in flow runs' logs" },
  { ...PODS, verbs: ["delete"], feature: "removing Dask of cancelled flow runs" },
  { ...SERVICES, verbs: ["list", "delete"], feature: "removing Dask of cancelled flow runs" },
  { ...BUDGETS, verbs: ["list", "delete"], feature: "removing Dask of cancelled flow runs" },
  { ...DASK_CLUSTERS, verbs: ["list", "delete"], feature: "removing Dask of cancelled flow runs" },
  {
    group: "coordination.k8s.io",
    resource: "leases",
    verbs: ["get", "create", "update"],
    feature: "leader election",
  },
];

/** What `cleanup` calls: it lists, reads each object afresh, and deletes. */
export const CLEANUP_ACCESS: readonly AccessRow[] = [JOBS, PODS, SERVICES, BUDGETS, DASK_CLUSTERS].map(
  (resource) => ({ ...resource, verbs: ["get", "list", "delete"], feature: "cleanup" }),
);

/**
 * What `--rbac` adds for the ServiceAccount `default`, under which flows run too: the rights of Prefect 1's own
 * manifest, and what dask-kubernetes' KubeCluster needs in a flow's pod.
 */
export const FLOW_ACCESS: readonly AccessRow[] = [
  { ...JOBS, verbs: ["*"], feature: "flows that start Dask" },
  { ...PODS, verbs: ["*"], feature: "flows that start Dask" },
  { ...EVENTS, verbs: ["*"], feature: "flows that start Dask" },
  { ...PODS, subresource: "log", verbs: ["get", "list"], feature: "flows that start Dask" },
  { ...SERVICES, verbs: ["get", "list", "watch", "create", "delete"], feature: "flows that start Dask" },
  { ...BUDGETS, verbs: ["get", "list", "watch", "create", "delete"], feature: "flows that start Dask" },
];

/** What an agent with these settings needs. */
export function agentAccess(leaderElect: boolean): readonly AccessRow[] {
  return AGENT_ACCESS.filter((row) => leaderElect || row.feature !== "leader election");
}
