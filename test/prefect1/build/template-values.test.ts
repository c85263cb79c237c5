// What Kubernetes gets of the values in a template. PyYAML's readings were printed by PyYAML 6.0.3.

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseJson } from "../../../src/base/json.ts";
import { shellCommandWarning } from "../../../src/prefect1/build/shell-command.ts";
import { parseTemplate, templateOf } from "../../../src/prefect1/build/template.ts";
import { kubernetesValues, pythonValue, readYaml } from "../../../src/prefect1/build/template-values.ts";
import { runCli } from "../../support/run-cli.ts";
import { build, containerOf, podSpecOf, withRunConfig } from "./support.ts";

const ORIGIN = { from: "agent", name: "t.yaml" } as const;

/** A Job from the text of its template. */
function jobFrom(text: string) {
  return build({ template: parseTemplate(text, ORIGIN) });
}

it("reads !!binary as its text, as kubectl does", () => {
  const reading = readYaml("value: !!binary aGVsbG8=");
  expect("value" in reading && kubernetesValues(reading.value)).toEqual({ value: "hello" });
});

describe("pythonValue", () => {
  it.each([
    ["0640", 416],
    ["00", 0],
    ["010.5", 10.5],
    ["0b101", 5],
    ["-0x1F", -31],
    ["1_000", 1000],
    ["+1", 1],
    ["12:30", 750],
    ["190:20:30.15", 685_230.15],
    ["1.10", 1.1],
    ["1.", 1],
    [".5", 0.5],
    ["1.5e+3", 1500],
    ["yes", true],
    ["true", true],
    ["TRUE", true],
    ["on", true],
    ["no", false],
    ["false", false],
    ["Off", false],
    ["~", null],
    ["NULL", null],
    // Texts in PyYAML, whatever YAML 1.2 makes of them.
    ["08", "08"],
    ["012345678901", "012345678901"],
    ["0o17", "0o17"],
    ["1e3", "1e3"],
    ["1.5e3", "1.5e3"],
    ["1234e56", "1234e56"],
    ["+.5", "+.5"],
    ["_1", "_1"],
    ["1:60", "1:60"],
    ["01:30", "01:30"],
    ["1.2.3", "1.2.3"],
    ["y", "y"],
    ["yEs", "yEs"],
    // JSON has no such numbers, and Kubernetes no dates.
    [".inf", ".inf"],
    ["2024-01-02", "2024-01-02"],
  ])("reads %s as %j", (text, value) => {
    expect(pythonValue(text)).toBe(value);
  });
});

const WRITTEN = [
  "012345678901",
  "08",
  "0755",
  "1e3",
  "1234e56",
  "1.10",
  "12345678901234567890",
  ".5",
  "+1",
  "yes",
  "no",
  "on",
  "off",
  "true",
  '"quoted"',
  "'08'",
];

/** A template with the word wherever Kubernetes wants a text. */
function everywhere(word: string): string {
  return `
kind: Job
metadata: {labels: {a: ${word}}, annotations: {a: ${word}}}
spec:
  podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget, status: ${word}}]}]}
  template:
    metadata: {labels: {a: ${word}}}
    spec:
      nodeSelector: {a: ${word}}
      priorityClassName: ${word}
      tolerations: [{key: a, value: ${word}}]
      hostAliases: [{ip: 1.2.3.4, hostnames: [${word}]}]
      dnsConfig: {options: [{name: ndots, value: ${word}}], searches: [${word}]}
      volumes:
        - {name: v, csi: {driver: d, volumeAttributes: {a: ${word}}}}
        - {name: w, configMap: {name: c, items: [{key: k, path: ${word}}]}}
      affinity: {nodeAffinity: {x: {matchExpressions: [{key: a, operator: In, values: [${word}]}]}}}
      topologySpreadConstraints: [{labelSelector: {matchLabels: {a: ${word}}}}]
      containers:
        - name: flow
          command: [run, ${word}]
          env: [{name: A, value: ${word}}]
          volumeMounts: [{name: v, mountPath: /v, subPath: ${word}}]
        - {name: other, args: [${word}]}
`;
}

interface PodFailurePolicy {
  readonly rules: readonly { readonly onPodConditions: readonly { readonly status: string }[] }[];
}

function textsIn(text: string): unknown[] {
  const { metadata, spec } = jobFrom(text);
  const pod = JSON.parse(JSON.stringify(spec.template)) as Record<string, Record<string, unknown>>;
  const at = (...path: readonly (string | number)[]): unknown =>
    path.reduce<unknown>((node, key) => (node as Record<string | number, unknown>)[key], pod);
  const variables = at("spec", "containers", 0, "env") as { name: string; value: string }[];
  return [
    metadata.labels?.["a"],
    metadata.annotations?.["a"],
    (spec as { podFailurePolicy?: PodFailurePolicy }).podFailurePolicy?.rules[0]?.onPodConditions[0]?.status,
    at("metadata", "labels", "a"),
    at("spec", "nodeSelector", "a"),
    at("spec", "priorityClassName"),
    at("spec", "hostAliases", 0, "hostnames", 0),
    at("spec", "dnsConfig", "options", 0, "value"),
    at("spec", "dnsConfig", "searches", 0),
    at("spec", "volumes", 0, "csi", "volumeAttributes", "a"),
    at("spec", "volumes", 1, "configMap", "items", 0, "path"),
    at("spec", "containers", 0, "volumeMounts", 0, "subPath"),
    at("spec", "tolerations", 0, "value"),
    at("spec", "affinity", "nodeAffinity", "x", "matchExpressions", 0, "values", 0),
    at("spec", "topologySpreadConstraints", 0, "labelSelector", "matchLabels", "a"),
    at("spec", "containers", 0, "command", 1),
    variables.find(({ name }) => name === "A")?.value,
    at("spec", "containers", 1, "args", 0),
  ];
}

describe("a text of a template", () => {
  it.each(WRITTEN)("keeps the spelling of the file: %s", (word) => {
    const spelling = word.replaceAll(/^["']|["']$/g, "");
    expect(textsIn(everywhere(word))).toEqual(Array(18).fill(spelling));
  });

  it("keeps it through anchors and merge keys", () => {
    const text = `
x: &labels {a: 0123, b: 0123}
metadata: {labels: {<<: *labels, b: 1.10}}
spec: {template: {spec: {}}}`;
    expect(jobFrom(text).metadata.labels).toMatchObject({ a: "0123", b: "1.10" });
  });

  it.each(["~", "null", ""])("is absent when it is null: %s", (word) => {
    const job = jobFrom(
      `spec: {template: {spec: {containers: [{name: flow, env: [{name: A, value: ${word}}]}]}}}`,
    );
    expect(containerOf(job)["env"]).toContainEqual({ name: "A" });
  });

  it("is also a name or a key that looks like a number", () => {
    const text = `
metadata: {labels: {on: yes, 0123: x}}
spec: {template: {spec: {containers: [{name: flow, env: [{name: E1, value: a}, {name: e10, value: b}]}]}}}`;
    const job = jobFrom(text);
    expect(job.metadata.labels).toMatchObject({ on: "yes", "0123": "x" });
    expect(containerOf(job)["env"]).toEqual(
      expect.arrayContaining([
        { name: "E1", value: "a" },
        { name: "e10", value: "b" },
      ]),
    );
  });

  it("comes from a number in JSON, too", () => {
    const containers = [{ name: "flow", env: [{ name: "A", value: 8 }], command: ["run", true] }];
    const template = templateOf(
      { spec: { template: { spec: { nodeSelector: { a: 1.5 }, containers } } } },
      ORIGIN,
    );
    const job = build({ template });
    expect(job.spec.template.spec).toMatchObject({ nodeSelector: { a: "1.5" } });
    expect(containerOf(job)).toMatchObject({ command: ["run", "true"] });
    expect(containerOf(job)["env"]).toContainEqual({ name: "A", value: "8" });
  });
});

it("a template that says it is YAML 1.2 is read as any other: with merge keys", () => {
  const text = `%YAML 1.2
---
x-node: &node {nodeSelector: {pool: flows}}
spec: {template: {spec: {<<: *node, containers: [{name: flow}]}}}`;
  expect(jobFrom(text).spec.template.spec).toMatchObject({ nodeSelector: { pool: "flows" } });
});

describe("a number or a truth of a template", () => {
  it("is read as PyYAML reads it", () => {
    const text = `
spec:
  suspend: off
  podFailurePolicy: {rules: [{onExitCodes: {values: [052, 1]}}]}
  template:
    spec:
      volumes: [{name: v, configMap: {name: c, defaultMode: 0640}}]
      containers:
        - name: flow
          ports: [{containerPort: 8080}]
          securityContext: {privileged: yes, runAsUser: !!int "1000"}
          resources: {limits: {cpu: 1.50, memory: "1.50"}}`;
    const { spec } = jobFrom(text);
    expect(spec).toMatchObject({
      suspend: false,
      podFailurePolicy: { rules: [{ onExitCodes: { values: [42, 1] } }] },
      template: { spec: { volumes: [{ configMap: { defaultMode: 416 } }] } },
    });
    expect(containerOf(jobFrom(text))).toMatchObject({
      ports: [{ containerPort: 8080 }],
      securityContext: { privileged: true, runAsUser: 1000 },
      resources: { limits: { cpu: 1.5, memory: "1.50" } },
    });
  });
});

describe("the environment of a run config", () => {
  it.each([
    ["123456789012345678", "123456789012345678"],
    ["-123456789012345678", "-123456789012345678"],
    ["1e400", "1e400"],
    ["0.1", "0.1"],
    ["15", "15"],
  ])("keeps the digits of %s", (written, value) => {
    const run = parseJson(`{"type": "KubernetesRun", "env": {"A": ${written}}}`) as Record<string, unknown>;
    const job = build({ run: withRunConfig(run) });
    expect(containerOf(job)["env"]).toContainEqual({ name: "A", value });
  });
});

it("a comment may stand right behind a quote or bracket, as in kubectl and Prefect", () => {
  const job = jobFrom(`
spec: {template: {spec: {containers: [{name: flow}], nodeSelector: {disk: "ssd"}#fast
    }}}
metadata:
  name: "nightly"# of the team
  labels: {a: b}#c
`);
  expect(job.metadata).toMatchObject({ name: "nightly-01234567", labels: { a: "b" } });
  expect(podSpecOf(job)["nodeSelector"]).toEqual({ disk: "ssd" });
});

describe("a text that is another kind of template", () => {
  const LOOKS =
    /it looks like a template of Jinja, Helm or Prefect 2 and 3, whose braces nobody fills in here$/;
  const inImage = (image: string): string =>
    `kind: Job\nspec:\n  template:\n    spec:\n      containers:\n        - name: flow\n          image: ${image}\n`;

  it.each([
    ["Jinja in a value", inImage("{{ image }}")],
    ["Jinja in a quoted value", inImage('"{{ image }}"')],
    ["Jinja in a key", "{{ image }}: x\n"],
    ["Jinja in place of an object", `${inImage("a")}          resources: {{ resources }}\n`],
    [
      "Helm in place of an object",
      `${inImage("a")}      nodeSelector: {{ toYaml .Values.nodes | nindent 8 }}\n`,
    ],
    ["Jinja's statements", `{% if x %}\n${inImage("a")}`],
    ["Helm", `apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-flow\n${inImage("a")}`],
    ["Prefect 3", JSON.stringify({ variables: {}, job_configuration: { command: "{{ command }}" } })],
    ["Prefect 3 in YAML", "job_configuration:\n  job_manifest: {}\n"],
  ])("is called that: %s", (_, text) => {
    expect(() => parseTemplate(text, ORIGIN)).toThrow(LOOKS);
  });

  it("has no list or object as a key, as in kubectl and Prefect", () => {
    expect(() => parseTemplate("spec:\n  ? [a]\n  : b\n", ORIGIN)).toThrow(
      "a key is not a text at line 2, column 5",
    );
  });

  it("prints no warning of a library", async () => {
    const warnings: unknown[] = [];
    const collect = (warning: unknown): void => void warnings.push(warning);
    process.on("warning", collect);
    expect(() => parseTemplate("{{ image }}: x\n", ORIGIN)).toThrow(LOOKS);
    await new Promise((done) => setImmediate(done));
    process.off("warning", collect);
    expect(warnings).toEqual([]);
  });

  it("is a web page where an access proxy answers", () => {
    const page = "<!DOCTYPE html>\n<html><body>sign in</body></html>";
    expect(() => parseTemplate(page, ORIGIN)).toThrow("it is a web page, perhaps one to sign in");
  });

  it("may have braces where they are the flow's", () => {
    const job = jobFrom(
      `spec: {template: {spec: {containers: [{name: flow, env: [{name: A, value: "{{ ds }}"}]}]}}}`,
    );
    expect(containerOf(job)["env"]).toContainEqual({ name: "A", value: "{{ ds }}" });
  });
});

describe("shellCommandWarning", () => {
  const warningFor = (command: string): string | undefined =>
    shellCommandWarning(
      jobFrom(`spec: {template: {spec: {containers: [{name: flow, command: ${command}}]}}}`),
    );

  it.each([
    "[/bin/sh, -c]",
    "[bash, -lc]",
    "[/usr/bin/bash, -e, -c]",
    "[bash, -ce]",
    "[bash, -c, --]",
    "[bash, -o, pipefail, -c]",
    "[bash, -O, extglob, -c]",
    "[bash, --rcfile, x, -c]",
    "[/usr/bin/env, bash, -c]",
    "[tini, -g, --, bash, -c]",
    "[dumb-init, --, sh, -c]",
    "[conda, run, -n, x, bash, -c]",
  ])("warns of %s", (command) => {
    expect(warningFor(command)).toMatch(
      /^container "flow" has the command ".*", which takes only the first of its args \(prefect execute flow-run\)/,
    );
  });

  it.each([
    "[tini, --]",
    "[/bin/sh, -c, 'exec \"$@\"', x]",
    "[sh]",
    "[sh, run.sh, -c]",
    "[python, -c]",
    "[conda, run, -n, x]",
  ])("accepts %s", (command) => {
    expect(warningFor(command)).toBeUndefined();
  });

  it("is printed by render", async () => {
    const run = {
      id: "11111111-2222-4333-8444-555555555555",
      flow: { id: "66666666-7777-4888-9999-000000000000", core_version: "1.4.1", storage: { type: "Local" } },
      run_config: {
        type: "KubernetesRun",
        env: {},
        job_template: "spec: {template: {spec: {containers: [{name: flow, command: [/bin/sh, -c]}]}}}",
      },
    };
    const files = { "run.json": JSON.stringify(run) };
    const env = { PREFECT__BACKEND: "server" };
    const { stdout, stderr, exitCode } = await runCli(["render", "-f", "run.json"], { files, env });
    expect(stderr).toContain('warning: container "flow" has the command "/bin/sh -c"');
    expect([parse(stdout).kind, exitCode]).toEqual(["Job", 0]);
  });
});

describe("readYaml", () => {
  // PyYAML 6.0.3, and kubectl's go-yaml, print the same.
  it.each([
    ["a:\n  cfg: '{\n    1\n  }'\n", { a: { cfg: "{ 1 }" } }],
    ['args: ["--a",\n"--b"]\n', { args: ["--a", "--b"] }],
    ['a: {"b":\n1}\nc: "x\n\n  y\n"\n', { a: { b: 1 }, c: "x\ny " }],
  ])("lets quotes and brackets of %j go on at the key's indentation", (text, value) => {
    const reading = readYaml(text);
    expect("value" in reading && kubernetesValues(reading.value)).toEqual(value);
  });

  it.each(["'open\nhunter2: x", "a: *hunter2-s3cret", '"a" hunter2-s3cret: x', "a: |hunter2"])(
    "does not repeat the text that it cannot read: %j",
    (text) => {
      const reading = readYaml(text);
      expect("problem" in reading && reading.problem).toMatch(/^it is not YAML: /);
      expect(JSON.stringify(reading)).not.toContain("hunter2");
    },
  );
});
