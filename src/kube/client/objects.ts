// Kubernetes objects, reduced to the fields that we read, and where the API has them. Fields that a server may leave out are
// optional; decode.ts sets the required fields of the metadata.

export interface Meta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
}

export type ObjectRef = Pick<Meta, "namespace" | "name">;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface Job {
  readonly metadata: Meta;
  readonly spec: JobSpec;
  readonly status: JobStatus;
}

export interface JobSpec {
  readonly backoffLimit?: number;
  readonly parallelism?: number;
  readonly completions?: number;
  readonly activeDeadlineSeconds?: number;
  readonly suspend?: boolean;
  /** The controller that runs it: Kubernetes 1.32 and later. */
  readonly managedBy?: string;
  readonly podFailurePolicy?: { readonly rules?: readonly PodFailureRule[] };
  readonly template?: { readonly spec?: PodSpec };
}

/** `operator`: In or NotIn. */
export interface ExitCodes {
  readonly operator: string;
  readonly values?: readonly number[];
}

export interface PodFailureRule {
  readonly action: string;
  readonly onExitCodes?: ExitCodes & { readonly containerName?: string };
  readonly onPodConditions?: readonly { readonly type: string; readonly status?: string }[];
}

export interface JobStatus {
  readonly active?: number;
  readonly ready?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly terminating?: number;
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly conditions?: readonly Condition[];
}

export interface Pod {
  readonly metadata: Meta;
  readonly spec: PodSpec;
  readonly status: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly startTime?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly schedulerName?: string;
  /** The pod has its node's address. */
  readonly hostNetwork?: boolean;
  readonly serviceAccountName?: string;
  readonly restartPolicy?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  /** Of the whole pod: Kubernetes 1.34 and later. */
  readonly resources?: Container["resources"];
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly restartPolicy?: string;
  /** Kubernetes 1.34 and later. */
  readonly restartPolicyRules?: readonly { readonly action: string; readonly exitCodes: ExitCodes }[];
  readonly env?: readonly EnvVar[];
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly restartCount?: number;
  readonly image?: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: Terminated;
}

export interface Terminated {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
}

/** A core/v1 Event. */
export interface KubeEvent {
  readonly metadata: Meta;
  readonly involvedObject: { readonly kind?: string; readonly name?: string; readonly uid?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
}

/** Any other object: Service, PodDisruptionBudget, DaskCluster, Lease … */
export interface AnyObject {
  readonly metadata: Meta;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A Secret; its values are base64. */
export interface Secret {
  readonly metadata: Meta;
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

const CORE = "/api/v1";
type ResourceInfo = { readonly prefix: string; readonly kind: string; readonly isOfCluster?: boolean };
/** The API path and kind of each resource. */
const RESOURCES = {
  jobs: { prefix: "/apis/batch/v1", kind: "Job" },
  pods: { prefix: CORE, kind: "Pod" },
  events: { prefix: CORE, kind: "Event" },
  services: { prefix: CORE, kind: "Service" },
  poddisruptionbudgets: { prefix: "/apis/policy/v1", kind: "PodDisruptionBudget" },
  daskclusters: { prefix: "/apis/kubernetes.dask.org/v1", kind: "DaskCluster" },
  deployments: { prefix: "/apis/apps/v1", kind: "Deployment" },
  leases: { prefix: "/apis/coordination.k8s.io/v1", kind: "Lease" },
  namespaces: { prefix: CORE, kind: "Namespace", isOfCluster: true },
  nodes: { prefix: CORE, kind: "Node", isOfCluster: true },
  secrets: { prefix: CORE, kind: "Secret" },
  configmaps: { prefix: CORE, kind: "ConfigMap" },
  persistentvolumeclaims: { prefix: CORE, kind: "PersistentVolumeClaim" },
  serviceaccounts: { prefix: CORE, kind: "ServiceAccount" },
  resourcequotas: { prefix: CORE, kind: "ResourceQuota" },
} satisfies Readonly<Record<string, ResourceInfo>>;

/** The plural name of a resource, as RBAC and URLs spell it. */
export type Resource = keyof typeof RESOURCES;

export interface KindMap extends Omit<Record<Resource, AnyObject>, "jobs" | "pods" | "events" | "secrets"> {
  jobs: Job;
  pods: Pod;
  events: KubeEvent;
  secrets: Secret;
}

/** The path of a collection, or of one object in it; the namespace of what is in none is ignored. */
export function pathOf(resource: Resource, namespace?: string, name?: string): string {
  const { prefix, isOfCluster = false }: ResourceInfo = RESOURCES[resource];
  const isInNamespace = !isOfCluster && namespace !== undefined;
  const place = isInNamespace ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${prefix}${place}/${resource}${object}`;
}

/** For messages: `Job "prefect-job-1a2b" in namespace "flows"`. */
export function describeObject(resource: Resource, { namespace, name }: ObjectRef): string {
  const place = namespace === undefined || namespace === "" ? "" : inNamespace(namespace);
  return `${RESOURCES[resource].kind} "${name}"${place}`;
}

export function inNamespace(namespace: string | undefined): string {
  return namespace === undefined || namespace === "" ? " in all namespaces" : ` in namespace "${namespace}"`;
}

/** How often an event was seen. */
export function timesSeen({ series, count }: KubeEvent): number {
  return series?.count ?? count ?? 1;
}

/** When an event was last seen: `lastTimestamp`, or its equivalent in events.k8s.io. */
export function lastSeenAt(event: KubeEvent): Date | undefined {
  const { series, lastTimestamp, eventTime, firstTimestamp } = event;
  const text = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? firstTimestamp ?? undefined;
  return text === undefined ? undefined : new Date(text);
}
