// Permissions as data: what each feature calls. install makes Roles of them, doctor and the agent's start-up check ask for them.

/** The verbs that we use; `*` only where Prefect's own manifest has it. */
export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "*";

/** What does not work without a permission. */
export type Feature =
  | "launching flow runs"
  | "following flow runs"
  | "deleting finished Jobs"
  | "following Jobs of agents that are gone"
  | "logs of failed pods"
  | "events in flow runs' logs"
  | "deleting Dask clusters of cancelled flow runs"
  | "telling clusters apart"
  | "leader election"
  | "cleanup"
  | "flows that start Dask";

/** Verbs on one resource for one feature. A feature may have several rows, a resource too. */
export interface PermissionRow {
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
const LEASES = { group: "coordination.k8s.io", resource: "leases" };
export const DASK_CLUSTERS = { group: "kubernetes.dask.org", resource: "daskclusters" };

/**
 * Every call that the agent makes. test/e2e/in-cluster.test.ts runs an agent with no other permissions and sees all of them
 * used, except those for rare cases: `get` of a Job whose name is taken, `get` of Job and pods before a run is set Failed,
 * `patch` of a Job whose agent is gone, `delete` of DaskClusters where Dask's operator is installed.
 */
export const AGENT_PERMISSIONS: readonly PermissionRow[] = [
  { ...JOBS, verbs: ["get", "create"], feature: "launching flow runs" },
  { ...JOBS, verbs: ["get", "list", "watch"], feature: "following flow runs" },
  { ...PODS, verbs: ["get", "list", "watch"], feature: "following flow runs" },
  { ...JOBS, verbs: ["patch"], feature: "following Jobs of agents that are gone" },
  { ...JOBS, verbs: ["delete"], feature: "deleting finished Jobs" },
  { ...PODS, subresource: "log", verbs: ["get"], feature: "logs of failed pods" },
  { ...EVENTS, verbs: ["list", "watch"], feature: "events in flow runs' logs" },
  { ...PODS, verbs: ["delete"], feature: "deleting Dask clusters of cancelled flow runs" },
  { ...SERVICES, verbs: ["list", "delete"], feature: "deleting Dask clusters of cancelled flow runs" },
  { ...BUDGETS, verbs: ["list", "delete"], feature: "deleting Dask clusters of cancelled flow runs" },
  { ...DASK_CLUSTERS, verbs: ["list", "delete"], feature: "deleting Dask clusters of cancelled flow runs" },
  // Its own namespace only: the uid says in which cluster and namespace it works.
  { group: "", resource: "namespaces", verbs: ["get"], feature: "telling clusters apart" },
  { ...LEASES, verbs: ["get", "create", "update"], feature: "leader election" },
];

/** What `cleanup` calls: it lists, reads each object afresh, and deletes. */
export const CLEANUP_PERMISSIONS: readonly PermissionRow[] = [
  JOBS,
  PODS,
  SERVICES,
  BUDGETS,
  DASK_CLUSTERS,
].map((resource) => ({ ...resource, verbs: ["get", "list", "delete"], feature: "cleanup" }));

/**
 * What `--rbac` adds for the ServiceAccount `default`, which flows run as: the permissions of Prefect 1's own manifest, and
 * what dask-kubernetes' KubeCluster needs in a flow's pod.
 */
export const FLOW_PERMISSIONS: readonly PermissionRow[] = [
  { ...JOBS, verbs: ["*"], feature: "flows that start Dask" },
  { ...PODS, verbs: ["*"], feature: "flows that start Dask" },
  { ...EVENTS, verbs: ["*"], feature: "flows that start Dask" },
  { ...PODS, subresource: "log", verbs: ["get", "list"], feature: "flows that start Dask" },
  { ...SERVICES, verbs: ["get", "list", "watch", "create", "delete"], feature: "flows that start Dask" },
  { ...BUDGETS, verbs: ["get", "list", "watch", "create", "delete"], feature: "flows that start Dask" },
];

/** What an agent with these settings needs. */
export function agentPermissions(leaderElect: boolean): readonly PermissionRow[] {
  return AGENT_PERMISSIONS.filter((row) => leaderElect || row.feature !== "leader election");
}

export interface Access {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
}

/** A user with all its groups, as the API server knows it. */
export interface Subject {
  readonly user: string;
  readonly groups: readonly string[];
}

/** One call of one feature. */
export interface Permission {
  readonly access: Access;
  readonly feature: Feature;
}

const ALL_VERBS: readonly Verb[] = ["get", "list", "watch", "create", "delete"];
const ESSENTIAL: readonly Feature[] = ["launching flow runs", "following flow runs", "leader election"];

/** Each call for itself, `*` spelt out: a Role that lists all verbs that are used is as good as one with the star. */
export function permissionsIn(rows: readonly PermissionRow[], namespace: string): readonly Permission[] {
  return rows.flatMap(({ group, resource, subresource, verbs, feature }) =>
    (verbs.includes("*") ? ALL_VERBS : verbs).map((verb) => ({
      access: { verb, group, resource, subresource, namespace },
      feature,
    })),
  );
}

/** As RBAC's own tools write it: `get jobs.batch`. */
export function permissionName({ verb, group, resource, subresource }: Access): string {
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${group === "" ? name : `${name}.${group}`}`;
}

export function isEssential(feature: Feature): boolean {
  return ESSENTIAL.includes(feature);
}
