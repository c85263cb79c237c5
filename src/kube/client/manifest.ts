// The Job manifest: typed where the builder writes fields, open where the job template sets them.

import type { JsonObject } from "../../base/json.ts";

export interface ManifestMeta {
  readonly labels: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** A batch/v1 Job without the fields that the server sets. */
export interface JobManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ManifestMeta & { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly metadata: ManifestMeta;
      readonly spec: { readonly containers: readonly JsonObject[]; readonly [field: string]: unknown };
      readonly [field: string]: unknown;
    };
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}
