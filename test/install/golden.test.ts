// The whole output of install; review the diff of test/golden/install before you accept it.

import { describe, expect, it } from "vitest";
import { renderManifests } from "../../src/install/manifests.ts";
import type { Options } from "./support/manifests.ts";
import { manifests } from "./support/manifests.ts";

describe("install prints", () => {
  it.each<{ file: string; options: Options }>([
    { file: "defaults", options: {} },
    { file: "key-rbac-label", options: { key: "API_KEY", rbac: true, labels: ["kube"] } },
    {
      file: "everything",
      options: {
        namespace: "flows",
        api: "http://prefect-server-apollo:4200",
        backend: "server",
        key: "API_KEY",
        rbac: "minimal",
        replicas: "2",
        resourceManager: true,
        imagePullSecrets: "regcred",
        memLimit: "2Gi",
        jobTemplate: {
          path: "job.yaml",
          text: "kind: Job\nspec:\n  template:\n    spec:\n      containers:\n      - name: flow\n",
        },
        configToml: { path: "config.toml", text: '[cloud.agent]\nlevel = "DEBUG"\n' },
      },
    },
  ])("$file.yaml", async ({ file, options }) => {
    await expect(renderManifests(manifests(options), "yaml")).toMatchFileSnapshot(
      `../golden/install/${file}.yaml`,
    );
  });
});
