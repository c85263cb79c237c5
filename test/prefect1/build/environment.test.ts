import { describe, expect, it } from "vitest";
import { envText } from "../../../src/prefect1/build/environment.ts";
import { build, containerOf, containerTemplate, envOf, podTemplate, withRunConfig } from "./support.ts";

const API_KEY = "PREFECT__CLOUD__API_KEY";
const AUTH_TOKEN = "PREFECT__CLOUD__AUTH_TOKEN";
const TENANT = "PREFECT__CLOUD__TENANT_ID";
const SEND_LOGS = "PREFECT__CLOUD__SEND_FLOW_RUN_LOGS";
const LOG_TO_CLOUD = "PREFECT__LOGGING__LOG_TO_CLOUD";
const LEVEL = "PREFECT__LOGGING__LEVEL";
const DASK_NAME = "DASK_KUBERNETES__NAME";

describe("envText", () => {
  it.each([
    { given: "text", want: "text" },
    { given: true, want: "true" },
    { given: false, want: "false" },
    { given: 1, want: "1" },
    { given: -0.5, want: "-0.5" },
    { given: 1e21, want: "1000000000000000000000" },
    { given: -1.25e22, want: "-12500000000000000000000" },
    { given: 1.5e-7, want: "0.00000015" },
    { given: -2e-9, want: "-0.000000002" },
    { given: null, want: "" },
    { given: { a: [1, null] }, want: '{"a":[1,null]}' },
    { given: ["x"], want: '["x"]' },
  ])("writes $given as $want", ({ given, want }) => {
    expect(envText(given)).toBe(want);
  });
});

describe("the flow's environment", () => {
  it("prefers forced over run config over agent over template", () => {
    const job = build({
      run: withRunConfig({ env: { A: "run", B: "run", PREFECT__BACKEND: "run" } }),
      settings: { env: { A: "agent", B: "agent", C: "agent", PREFECT__BACKEND: "agent" } },
      template: containerTemplate({
        name: "flow",
        env: ["A", "B", "C", "D", "PREFECT__BACKEND"].map((name) => ({ name, value: "template" })),
      }),
    });
    expect(envOf(job)).toMatchObject({
      A: "run",
      B: "run",
      C: "agent",
      D: "template",
      PREFECT__BACKEND: "server",
    });
  });

  it("has every name once, at its first position", () => {
    const job = build({
      run: withRunConfig({ env: { X: "2", PREFECT__CLOUD__API: "evil", [LEVEL]: "DEBUG" } }),
      settings: { env: { X: "1" } },
      template: containerTemplate({
        name: "flow",
        env: [
          { name: "T", value: "t" },
          { name: "X", value: "t" },
        ],
      }),
    });
    const names = Object.keys(envOf(job));
    expect(names.slice(0, 4)).toEqual([LEVEL, "X", "PREFECT__CLOUD__API", SEND_LOGS]);
    expect(names.slice(-2)).toEqual(["T", DASK_NAME]);
    expect(new Set(names).size).toBe((containerOf(job)["env"] as unknown[]).length);
  });

  it.each([
    { agent: {}, run: {}, want: "INFO" },
    { agent: { [LEVEL]: "WARNING" }, run: {}, want: "WARNING" },
    { agent: { [LEVEL]: "WARNING" }, run: { [LEVEL]: "DEBUG" }, want: "DEBUG" },
  ])("logs at $want for agent $agent and run config $run", ({ agent, run, want }) => {
    expect(envOf(build({ run: withRunConfig({ env: run }), settings: { env: agent } }))[LEVEL]).toBe(want);
  });

  it.each([
    { agent: true, run: {}, send: "true", cloud: "true" },
    { agent: true, run: { [SEND_LOGS]: "false" }, send: "false", cloud: "true" },
    { agent: true, run: { [SEND_LOGS]: false }, send: "false", cloud: "true" },
    { agent: false, run: {}, send: "false", cloud: "false" },
    { agent: false, run: { [SEND_LOGS]: "true" }, send: "false", cloud: "false" },
  ])("has sendLogs $send for agent $agent and run config $run", ({ agent, run, send, cloud }) => {
    const job = build({ run: withRunConfig({ env: run }), settings: { sendFlowRunLogs: agent } });
    expect(envOf(job)).toMatchObject({ [SEND_LOGS]: send, [LOG_TO_CLOUD]: cloud });
  });

  it.each([
    { settings: {}, key: "", tenant: "" },
    { settings: { tenantId: "t" }, key: "", tenant: "" },
    { settings: { apiKey: "k" }, key: "k", tenant: "" },
    { settings: { apiKey: "k", tenantId: "t" }, key: "k", tenant: "t" },
  ])("has key $key and tenant $tenant for $settings", ({ settings, key, tenant }) => {
    expect(envOf(build({ settings }))).toMatchObject({ [API_KEY]: key, [AUTH_TOKEN]: key, [TENANT]: tenant });
  });

  it("refers to the Secret instead of containing the API key", () => {
    const keySecret = { name: "prefect", key: "api-key" };
    const job = build({ settings: { apiKey: "very-secret", tenantId: "t", keySecret } });
    const reference = { secretKeyRef: keySecret };
    expect(envOf(job)).toMatchObject({ [API_KEY]: reference, [AUTH_TOKEN]: reference, [TENANT]: "t" });
    expect(JSON.stringify(job)).not.toContain("very-secret");
  });

  it("converts the template's values to strings and keeps references", () => {
    const fieldRef = { fieldRef: { fieldPath: "metadata.name" } };
    const env = [
      { name: "N", value: 1 },
      { name: "E", value: null },
      { name: "R", valueFrom: fieldRef },
    ];
    const job = build({ template: containerTemplate({ name: "flow", env }) });
    expect(containerOf(job)["env"]).toEqual(
      expect.arrayContaining([{ name: "N", value: "1" }, { name: "E" }, { name: "R", valueFrom: fieldRef }]),
    );
  });

  it("passes the image, the agent's labels and the API URL with its slash to the flow run", () => {
    const run = withRunConfig({ image: "i:1" });
    const job = build({ run, settings: { labels: ["b", "a"], apiUrl: "http://h:1/" } });
    expect(envOf(job)).toMatchObject({
      PREFECT__CONTEXT__IMAGE: "i:1",
      PREFECT__CLOUD__AGENT__LABELS: "['b', 'a']",
      PREFECT__CLOUD__API: "http://h:1/",
    });
  });

  it("does not change the environment of other containers", () => {
    const env = [{ name: "A", value: "1" }];
    const job = build({ template: podTemplate({ containers: [{ name: "flow" }, { name: "side", env }] }) });
    expect(containerOf(job, 1)).toEqual({ name: "side", env });
  });
});

describe("the name of Dask clusters", () => {
  const ours = "dask-{PREFECT__CONTEXT__FLOW_RUN_ID}-{uuid}";
  it.each([
    { title: "the default", parts: {}, want: ours },
    { title: "the run config's", parts: { run: withRunConfig({ env: { [DASK_NAME]: "rc" } }) }, want: "rc" },
    { title: "the agent's", parts: { settings: { env: { [DASK_NAME]: "agent" } } }, want: "agent" },
    {
      title: "the template's",
      parts: { template: containerTemplate({ name: "flow", env: [{ name: DASK_NAME, value: "tmpl" }] }) },
      want: "tmpl",
    },
    { title: "none with daskName: false", parts: { settings: { daskName: false } }, want: undefined },
  ])("is $title", ({ parts, want }) => {
    expect(envOf(build(parts))[DASK_NAME]).toBe(want);
  });
});
