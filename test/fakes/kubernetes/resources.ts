// The table of what the fake serves. Everything else about a resource is generic.

/** A resource that is served, and where it differs from the others. */
export interface ResourceType {
  /** API group; empty for core. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Short names, for kubectl. */
  readonly shortNames: readonly string[];
  /** Has /status; writes to the object itself leave its status alone, and the other way round. */
  readonly hasStatus: boolean;
  /** Counts changes of its spec in metadata.generation. */
  readonly hasGeneration: boolean;
  /** From a CustomResourceDefinition: list items carry kind and apiVersion, no strategic merge. */
  readonly custom: boolean;
  /** What a DELETE without propagationPolicy means; batch/v1 Jobs kept the old habit of orphaning. */
  readonly propagation: "Background" | "Orphan";
  /** A DELETE answers with the object that went, in place of a Status. */
  readonly returnsDeleted: boolean;
  /** A PUT without resourceVersion is taken. */
  readonly unconditionalUpdate: boolean;
  /** A PUT of a missing object creates it. */
  readonly createOnUpdate: boolean;
  /** What a field selector may name besides metadata.name and metadata.namespace. */
  readonly fields: readonly string[];
}

type Spec = Pick<ResourceType, "plural" | "kind"> & Partial<ResourceType>;

const EVENT_FIELDS = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
const POD_FIELDS = [
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.serviceAccountName",
  "spec.hostNetwork",
  "status.phase",
  "status.podIP",
  "status.nominatedNodeName",
];

/** All resources, core first. The first of a plural is the one that a bare plural means. */
export const RESOURCES: readonly ResourceType[] = [
  ...inGroup("", "v1", [
    { plural: "configmaps", kind: "ConfigMap", shortNames: ["cm"] },
    {
      plural: "events",
      kind: "Event",
      shortNames: ["ev"],
      createOnUpdate: true,
      fields: [...EVENT_FIELDS.map((field) => `involvedObject.${field}`), "reason", "source", "type"],
    },
    {
      plural: "namespaces",
      kind: "Namespace",
      namespaced: false,
      shortNames: ["ns"],
      hasStatus: true,
      fields: ["status.phase"],
    },
    {
      plural: "nodes",
      kind: "Node",
      namespaced: false,
      shortNames: ["no"],
      hasStatus: true,
      fields: ["spec.unschedulable"],
    },
    {
      plural: "pods",
      kind: "Pod",
      shortNames: ["po"],
      hasStatus: true,
      hasGeneration: true,
      returnsDeleted: true,
      fields: POD_FIELDS,
    },
    {
      plural: "resourcequotas",
      kind: "ResourceQuota",
      shortNames: ["quota"],
      hasStatus: true,
      returnsDeleted: true,
    },
    { plural: "secrets", kind: "Secret", fields: ["type"] },
    { plural: "serviceaccounts", kind: "ServiceAccount", shortNames: ["sa"], returnsDeleted: true },
    {
      plural: "services",
      kind: "Service",
      shortNames: ["svc"],
      hasStatus: true,
      returnsDeleted: true,
      createOnUpdate: true,
      fields: ["spec.clusterIP", "spec.type"],
    },
  ]),
  ...inGroup("apps", "v1", [
    {
      plural: "deployments",
      kind: "Deployment",
      shortNames: ["deploy"],
      hasStatus: true,
      hasGeneration: true,
    },
  ]),
  ...inGroup("batch", "v1", [
    {
      plural: "jobs",
      kind: "Job",
      hasStatus: true,
      hasGeneration: true,
      propagation: "Orphan",
      fields: ["status.successful"],
    },
  ]),
  ...inGroup("policy", "v1", [
    {
      plural: "poddisruptionbudgets",
      kind: "PodDisruptionBudget",
      shortNames: ["pdb"],
      hasStatus: true,
      hasGeneration: true,
      unconditionalUpdate: false,
    },
  ]),
  ...inGroup("coordination.k8s.io", "v1", [
    { plural: "leases", kind: "Lease", unconditionalUpdate: false, createOnUpdate: true },
  ]),
  ...inGroup("rbac.authorization.k8s.io", "v1", [
    { plural: "roles", kind: "Role" },
    { plural: "rolebindings", kind: "RoleBinding" },
    { plural: "clusterroles", kind: "ClusterRole", namespaced: false },
    { plural: "clusterrolebindings", kind: "ClusterRoleBinding", namespaced: false },
  ]),
  ...inGroup("kubernetes.dask.org", "v1", [daskCluster()]),
  ...inGroup("gateway.dask.org", "v1alpha1", [daskCluster()]),
];

function daskCluster(): Spec {
  return {
    plural: "daskclusters",
    kind: "DaskCluster",
    custom: true,
    hasGeneration: true,
    unconditionalUpdate: false,
  };
}

function inGroup(group: string, version: string, specs: readonly Spec[]): readonly ResourceType[] {
  return specs.map((spec) => ({
    group,
    version,
    namespaced: true,
    shortNames: [],
    hasStatus: false,
    hasGeneration: false,
    custom: false,
    propagation: "Background",
    returnsDeleted: false,
    unconditionalUpdate: true,
    createOnUpdate: false,
    fields: [],
    ...spec,
  }));
}

/** The resource of a group, version and plural, as URLs name it. */
export function resourceAt(group: string, version: string, plural: string): ResourceType | undefined {
  return RESOURCES.find((type) => type.plural === plural && type.group === group && type.version === version);
}

/** The resource called `jobs`, `jobs.batch` or `daskclusters.gateway.dask.org`. Throws when there is none. */
export function resourceNamed(name: string): ResourceType {
  const found = RESOURCES.find((type) => type.plural === name || qualified(type) === name);
  if (found === undefined) throw new Error(`the fake has no resource "${name}"`);
  return found;
}

/** The plural with its group, as messages name a resource: `jobs.batch`, `pods`. */
export function qualified(type: ResourceType): string {
  return type.group === "" ? type.plural : `${type.plural}.${type.group}`;
}

/** The kind with its group, as messages name a kind: `Job.batch`, `Pod`. */
export function qualifiedKind(type: ResourceType): string {
  return type.group === "" ? type.kind : `${type.kind}.${type.group}`;
}

/** What an object of this resource has as its apiVersion. */
export function apiVersionOf(type: Pick<ResourceType, "group" | "version">): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}
