import { describe, expect, it } from "vitest";
import { jobSettings } from "../../../src/prefect1/config/job-settings.ts";
import { load } from "./support.ts";

const ENV = {
  PREFECT__CLOUD__AGENT__LABELS: "a,b",
  PREFECT__CLOUD__AGENT__ENV_VARS: '{"A": "config"}',
  SERVICE_ACCOUNT_NAME: "sa-variable",
  IMAGE_PULL_SECRETS: "one,two",
  IMAGE_PULL_POLICY: "Never",
  JOB_CPU_LIMIT: "2",
};

describe("jobSettings", () => {
  it("uses the configuration without options", () => {
    expect(jobSettings(load({ env: ENV }), { namespace: "flows" })).toEqual({
      namespace: "flows",
      apiUrl: "https://api.prefect.io",
      backend: "cloud",
      labels: ["a", "b"],
      env: { A: "config" },
      sendFlowRunLogs: true,
      loggingLevel: "INFO",
      serviceAccountName: "sa-variable",
      imagePullSecrets: ["one", "two"],
      imagePullPolicy: "Never",
      resources: { cpuLimit: "2" },
      safeToEvict: false,
      daskName: true,
    });
  });

  it("prefers options that are not empty", () => {
    const chosen = jobSettings(load({ env: ENV }), {
      namespace: "flows",
      labels: ["x"],
      env: {},
      noCloudLogs: true,
      serviceAccountName: "sa-flag",
      imagePullSecrets: [" three ", ""],
      safeToEvict: true,
      daskName: false,
      keySecret: { name: "s", key: "k" },
    });
    expect(chosen).toMatchObject({
      labels: ["x"],
      env: { A: "config" },
      sendFlowRunLogs: false,
      serviceAccountName: "sa-flag",
      imagePullSecrets: ["three"],
      safeToEvict: true,
      daskName: false,
      keySecret: { name: "s", key: "k" },
    });
  });

  it("treats an empty --image-pull-secrets as not set", () => {
    expect(jobSettings(load(), { namespace: "n", imagePullSecrets: [""] }).imagePullSecrets).toBeUndefined();
  });

  it("prefers the configured tenant to the API's", () => {
    const tenant = "0e9c1e4e-4a5a-4d0c-9f0e-7d5d6f1a0001";
    const configured = load({ env: { PREFECT__CLOUD__TENANT_ID: tenant } });
    expect(jobSettings(configured, { namespace: "n", tenantId: "from-api" }).tenantId).toBe(tenant);
    expect(jobSettings(load(), { namespace: "n", tenantId: "from-api" }).tenantId).toBe("from-api");
  });
});
