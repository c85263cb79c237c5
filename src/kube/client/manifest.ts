// The Job manifest: typed where the builder writes fields, open where the job template sets them.

import type { EnvVar } from "./objects.ts";

export interface ManifestMeta {
  readonly labels: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface ContainerManifest {
  readonly [field: string]: unknown;
}

/** The container that runs the flow. */
export interface FlowContainer extends ContainerManifest {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly EnvVar[];
  readonly resources: { readonly requests: object; readonly limits: object };
}

/** A batch/v1 Job without the fields that the server sets. */
export interface JobManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ManifestMeta & { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly metadata: ManifestMeta;
      readonly spec: { readonly containers: readonly ContainerManifest[]; readonly [field: string]: unknown };
      readonly [field: string]: unknown;
    };
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}
