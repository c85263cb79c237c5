// The Kubernetes objects that install prints.

/** An object that kubectl applies. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Labels of all objects of the agent; the Deployment's selector is `app`, as in Prefect's own. */
export const AGENT_LABELS = {
  app: "prefect-agent",
  "app.kubernetes.io/name": "prefect-agent",
  "app.kubernetes.io/component": "agent",
  "app.kubernetes.io/part-of": "prefect",
  "app.kubernetes.io/managed-by": "kubectl-prefect",
};

/** Metadata of an object, with a namespace only if one is set. */
export function metadataOf(name: string, namespace: string | undefined): Manifest["metadata"] {
  return { name, ...(namespace ? { namespace } : {}), labels: AGENT_LABELS };
}
