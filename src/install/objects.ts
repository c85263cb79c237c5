// The Kubernetes objects that install prints. kube/client/objects.ts has those that are read from a cluster.

import type { EnvVar } from "../kube/client/objects.ts";

export interface ManifestMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ServiceAccount {
  readonly apiVersion: "v1";
  readonly kind: "ServiceAccount";
  readonly metadata: ManifestMeta;
}

export interface Secret {
  readonly apiVersion: "v1";
  readonly kind: "Secret";
  readonly metadata: ManifestMeta;
  readonly type: "Opaque";
  readonly stringData: Readonly<Record<string, string>>;
}

export interface ConfigMap {
  readonly apiVersion: "v1";
  readonly kind: "ConfigMap";
  readonly metadata: ManifestMeta;
  readonly data: Readonly<Record<string, string>>;
}

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export interface Role {
  readonly apiVersion: "rbac.authorization.k8s.io/v1";
  readonly kind: "Role";
  readonly metadata: ManifestMeta;
  readonly rules: readonly PolicyRule[];
}

export interface RoleBinding {
  readonly apiVersion: "rbac.authorization.k8s.io/v1";
  readonly kind: "RoleBinding";
  readonly metadata: ManifestMeta;
  readonly roleRef: { readonly apiGroup: string; readonly kind: "Role"; readonly name: string };
  readonly subjects: readonly { readonly kind: "ServiceAccount"; readonly name: string }[];
}

export interface ContainerManifest {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly EnvVar[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources?: {
    readonly requests: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, string>>;
  };
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly VolumeMount[];
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: number | string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold: number;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

export interface PodManifest {
  readonly serviceAccountName?: string;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly containers: readonly ContainerManifest[];
  readonly volumes?: readonly { readonly name: string; readonly configMap: { readonly name: string } }[];
}

export interface Deployment {
  readonly apiVersion: "apps/v1";
  readonly kind: "Deployment";
  readonly metadata: ManifestMeta;
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: { readonly metadata: Omit<ManifestMeta, "name">; readonly spec: PodManifest };
  };
}

export type Manifest = ServiceAccount | Secret | ConfigMap | Role | RoleBinding | Deployment;

/** Labels of all objects of the agent; the Deployment's selector is `app`, as in Prefect's own. */
export const AGENT_LABELS: Readonly<Record<string, string>> = {
  app: "prefect-agent",
  "app.kubernetes.io/name": "prefect-agent",
  "app.kubernetes.io/component": "agent",
  "app.kubernetes.io/part-of": "prefect",
  "app.kubernetes.io/managed-by": "kubectl-prefect",
};

/** Metadata of an object, with a namespace only if one is set. */
export function metadataOf(name: string, namespace: string | undefined): ManifestMeta {
  return { name, ...(namespace ? { namespace } : {}), labels: AGENT_LABELS };
}
