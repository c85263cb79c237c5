import { describe, expect, it } from "vitest";
import { CONFIG, load } from "./support.ts";

describe("labels", () => {
  it.each([
    { text: '["a","b"]', want: ["a", "b"] },
    { text: "['a', 'b']", want: ["a", "b"] },
    { text: "('a', 'b',)", want: ["a", "b"] },
    { text: "{'a'}", want: ["a"] },
    { text: "a,b", want: ["a", "b"] },
    { text: " a , b ,", want: ["a", "b"] },
    { text: "[a, b]", want: ["a", "b"] },
    { text: "[env:prod, b]", want: ["env:prod", "b"] },
    { text: "kube", want: ["kube"] },
    { text: '"kube"', want: ["kube"] },
    { text: "it's", want: ["it's"] },
    {
      text: String.raw`["it's", 'b"c', 'd\\e', 'é', 'a\'b"c', 'tab\there', '\x41\u00e9']`,
      want: ["it's", 'b"c', "d\\e", "é", `a'b"c`, "tab\there", "Aé"],
    },
    { text: "[1, 2.50, True]", want: ["1", "2.50", "true"] },
    { text: "[]", want: [] },
    { text: "", want: [] },
    { text: "None", want: [] },
  ])("are $want for $text", ({ text, want }) => {
    expect(load({ env: { PREFECT__CLOUD__AGENT__LABELS: text } }).agent.labels.value).toEqual(want);
  });

  it.each([
    { toml: 'labels = ["a", "b"]', want: ["a", "b"] },
    { toml: `labels = "['a', 'b']"`, want: ["a", "b"] },
    { toml: 'labels = "a,b"', want: ["a", "b"] },
    { toml: "labels = [1, true]", want: ["1", "true"] },
  ])("are $want for the TOML $toml", ({ toml, want }) => {
    const { labels } = load({ files: { [CONFIG]: `[cloud.agent]\n${toml}` } }).agent;
    expect(labels).toEqual({ value: want, source: "config.toml [cloud.agent] labels" });
  });

  it("cannot be an object", () => {
    const env = { PREFECT__CLOUD__AGENT__LABELS: '{"a": 1}' };
    expect(() => load({ env })).toThrow("an object, not a list");
  });
});

describe("Secrets to pull images with", () => {
  it.each([
    { text: "a,b", want: ["a", "b"] },
    { text: "regcred", want: ["regcred"] },
    { text: "['a', 'b']", want: ["a", "b"] },
    { text: "[a, b]", want: ["a", "b"] },
    // What Helm's templates print of a list without toJson.
    { text: "[a b]", want: ["a", "b"] },
    { text: `["a" "b"]`, want: ["a", "b"] },
    { text: "map[name:regcred]", want: ["regcred"] },
    { text: "[map[name:a] map[name:b]]", want: ["a", "b"] },
    { text: '[{"name": "a"}, {"name": "b"}]', want: ["a", "b"] },
    { text: "[]", want: [] },
    { text: "not one", want: ["not one"] },
  ])("are $want for $text", ({ text, want }) => {
    expect(load({ env: { IMAGE_PULL_SECRETS: text } }).variables.imagePullSecrets).toEqual(want);
  });
});

it("keeps whole numbers of config.toml that JavaScript cannot hold", () => {
  const files = { [CONFIG]: "[cloud.agent.env_vars]\nA = 123456789012345678\nB = 7" };
  expect(load({ files }).agent.env).toEqual({ A: "123456789012345678", B: "7" });
});

describe("flow runs' variables", () => {
  const variable = "PREFECT__CLOUD__AGENT__ENV_VARS";
  it.each([
    { text: '{"A": "1"}', want: { A: "1" } },
    { text: "{'A': 'x', 'B': True, 'C': None}", want: { A: "x", B: "true", C: "" } },
    {
      text: '{"A": true, "B": null, "C": 1.10, "D": 12345678901234567890}',
      want: { A: "true", B: "", C: "1.10", D: "12345678901234567890" },
    },
    { text: `'{"A": "1", "B": {"c": 2}}'`, want: { A: "1", B: '{"c":2}' } },
    { text: '{"A": {"b": [1, true]}}', want: { A: '{"b":[1,true]}' } },
    { text: '{"A": "$UNKNOWN ${cloud.api}"}', want: { A: "$UNKNOWN ${cloud.api}" } },
    { text: "{}", want: {} },
    { text: "", want: {} },
    { text: "None", want: {} },
  ])("are $want for $text", ({ text, want }) => {
    expect(load({ env: { [variable]: text } }).agent.env).toEqual(want);
  });

  it("are strings in TOML too, and keep their case", () => {
    const toml =
      '[cloud.agent.env_vars]\nFOO = "1"\nBar = 2\nbaz = true\n"with.dot" = "x"\nday = 2024-01-02\n';
    expect(load({ files: { [CONFIG]: toml } }).agent.env).toEqual({
      FOO: "1",
      Bar: "2",
      baz: "true",
      "with.dot": "x",
      day: "2024-01-02",
    });
  });

  it("can be single variables, as in Prefect 0.11, and keep their case", () => {
    const env = {
      [`${variable}__My_Var`]: "1",
      [`${variable}__PREFECT__LOGGING__LEVEL`]: "DEBUG",
      [variable]: '{"A": "a"}',
    };
    expect(load({ env }).agent.env).toEqual({ A: "a", My_Var: "1", PREFECT__LOGGING__LEVEL: "DEBUG" });
  });

  it("lose the quotes that keep digits a text in Prefect 1, where a value is one quoted text", () => {
    const toml = `[cloud.agent.env_vars]\nA = "'0123'"\nB = '"1"'\nC = "'a' and 'b'"\nD = " it's "\n`;
    const env = { [`${variable}__E`]: '"12"' };
    const want = { A: "0123", B: "1", C: "'a' and 'b'", D: " it's ", E: "12" };
    expect(load({ env, files: { [CONFIG]: toml } }).agent.env).toEqual(want);
  });

  it("replace those of the file when the variable is set", () => {
    const files = { [CONFIG]: '[cloud.agent.env_vars]\nFOO = "1"\n' };
    expect(load({ files, env: { [variable]: '{"A": "a"}' } }).agent.env).toEqual({ A: "a" });
  });

  it.each(["A=1", "[1]", '{"A": }', "secret"])("cannot be %s, which is not in the error message", (text) => {
    const attempt = (): unknown => load({ env: { [variable]: text } });
    expect(attempt).toThrow(`cannot read ${variable} variable: not an object`);
  });
});

describe("switches", () => {
  it.each([
    { text: "true", want: true },
    { text: "TRUE", want: true },
    { text: "1", want: true },
    { text: "yes", want: true },
    { text: "false", want: false },
    { text: "False", want: false },
    { text: "0", want: false },
    { text: "no", want: false },
    { text: "None", want: true },
  ])("send logs: $want for $text", ({ text, want }) => {
    expect(load({ env: { PREFECT__CLOUD__SEND_FLOW_RUN_LOGS: text } }).sendFlowRunLogs).toBe(want);
  });
});

describe("the agent's level", () => {
  it.each([
    { text: "debug", want: "DEBUG" },
    { text: "10", want: "DEBUG" },
    { text: "WARN", want: "WARNING" },
    { text: "critical", want: "ERROR" },
  ])("is $want for $text", ({ text, want }) => {
    expect(load({ env: { PREFECT__CLOUD__AGENT__LEVEL: text } }).agent.level).toBe(want);
  });
});

describe("the plain variables", () => {
  it("are read, the namespace with its source", () => {
    const env = {
      NAMESPACE: "flows",
      SERVICE_ACCOUNT_NAME: "sa",
      IMAGE_PULL_SECRETS: "a, b",
      DELETE_FINISHED_JOBS: "False",
      IMAGE_PULL_POLICY: "always",
      JOB_MEM_REQUEST: "1Gi",
      JOB_MEM_LIMIT: "2Gi",
      JOB_CPU_REQUEST: "1",
      JOB_CPU_LIMIT: "2",
    };
    expect(load({ env }).variables).toEqual({
      namespace: { value: "flows", source: "NAMESPACE variable" },
      serviceAccountName: "sa",
      imagePullSecrets: ["a", "b"],
      deleteFinishedJobs: false,
      imagePullPolicy: "Always",
      resources: {
        memoryRequest: "1Gi",
        memoryLimit: "2Gi",
        cpuRequest: "1",
        cpuLimit: "2",
      },
    });
  });

  it("count as not set when empty, as in an unmodified install manifest", () => {
    const env = {
      NAMESPACE: "",
      SERVICE_ACCOUNT_NAME: "",
      IMAGE_PULL_SECRETS: "",
      IMAGE_PULL_POLICY: "",
      JOB_CPU_LIMIT: "",
    };
    expect(load({ env }).variables).toEqual({
      deleteFinishedJobs: true,
      resources: {},
    });
  });

  it.each(["True", "true", "1", "yes"])("delete finished Jobs for %s", (text) => {
    expect(load({ env: { DELETE_FINISHED_JOBS: text } }).variables.deleteFinishedJobs).toBe(true);
  });
});
