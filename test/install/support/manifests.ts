// Reads printed manifests, as the API server would.

import { parseAllDocuments } from "yaml";
import type { Container as KubeContainer, EnvVar } from "../../../src/kube/client/objects.ts";
import { agentManifests } from "../../../src/install/manifests.ts";
import type { InstallOptions } from "../../../src/install/options.ts";

interface Container extends KubeContainer {
  readonly args: readonly string[];
  readonly env: readonly EnvVar[];
  readonly imagePullPolicy?: string;
  readonly livenessProbe?: { readonly httpGet: { readonly path: string; readonly port: number | string } };
  readonly ports?: unknown;
  readonly securityContext?: unknown;
  readonly volumeMounts?: unknown;
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly imagePullSecrets?: unknown;
  readonly securityContext?: unknown;
  readonly serviceAccountName?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly volumes?: unknown;
}

/** A Deployment as far as tests read it. */
interface Deployment {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: {
        readonly labels: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
      };
      readonly spec: PodSpec;
    };
  };
}

export type Options = Partial<InstallOptions>;

export interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export function manifests(options: Options = {}): readonly Printed[] {
  return agentManifests({ version: "1.2.3", ...options });
}

/** The manifest of this kind, or of this kind and name. */
export function manifest(options: Options, kind: string, name?: string): Printed {
  const found = manifests(options).filter(
    (doc) => doc.kind === kind && (name ?? doc.metadata.name) === doc.metadata.name,
  );
  if (found.length !== 1) throw new Error(`${found.length} manifests of kind ${kind}`);
  return found[0]!;
}

export function deployment(options: Options = {}): Deployment {
  return manifest(options, "Deployment") as unknown as Deployment;
}

export function podSpec(options: Options = {}): PodSpec {
  return deployment(options).spec.template.spec;
}

export function container(options: Options = {}, name = "agent"): Container {
  const found = podSpec(options).containers.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

/** The container's variables by name. */
export function env(options: Options = {}, name = "agent"): Record<string, unknown> {
  return Object.fromEntries(
    container(options, name).env.map((each) => [each.name, each.value ?? each.valueFrom]),
  );
}

/** The documents of a YAML stream. */
export function documentsIn(stream: string): unknown[] {
  const docs = parseAllDocuments(stream);
  if (!Array.isArray(docs)) throw new Error("an empty stream");
  return docs.map((doc) => doc.toJS() as unknown).filter((doc) => doc !== null);
}
