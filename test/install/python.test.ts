// `--agent python` against what Prefect 1.4.1 itself printed.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { renderManifests } from "../../src/install/manifests.ts";
import type { Options } from "./support/manifests.ts";
import { container, documentsIn, env, manifests } from "./support/manifests.ts";

interface GoldenCase {
  readonly name: string;
  readonly args: readonly string[];
  readonly expected_yaml: string;
}

const GOLDEN = JSON.parse(
  readFileSync(new URL("../golden/original/install.json", import.meta.url), "utf8"),
) as GoldenCase[];

const FLAGS: Readonly<Record<string, (options: Options, value: string) => Options>> = {
  "-k": (o, key) => ({ ...o, key }),
  "-a": (o, api) => ({ ...o, api }),
  "-b": (o, backend) => ({ ...o, backend }),
  "-i": (o, imagePullSecrets) => ({ ...o, imagePullSecrets }),
  "--namespace": (o, namespace) => ({ ...o, namespace }),
  "--label": (o, label) => ({ ...o, labels: [...(o.labels ?? []), label] }),
  "--env": (o, pair) => ({ ...o, env: [...(o.env ?? []), pair] }),
};

function optionsOf(args: readonly string[]): Options {
  const rest = [...args];
  let options: Options = { agent: "python" };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const apply = FLAGS[arg];
    if (arg === "--rbac") options = { ...options, rbac: true };
    else if (apply === undefined) throw new Error(`unknown argument ${arg}`);
    else options = apply(options, rest.shift() ?? "");
  }
  return options;
}

describe("--agent python", () => {
  it("has test cases of the original", () => {
    expect(GOLDEN.length).toBeGreaterThanOrEqual(6);
  });

  it.each(GOLDEN)("prints the original's documents: $name", ({ args, expected_yaml }) => {
    const printed = renderManifests(manifests(optionsOf(args)), "yaml");
    expect(documentsIn(printed)).toEqual(documentsIn(expected_yaml));
  });

  // From the output of Prefect 1.4.1 for these options.
  it.each<{ name: string; options: Options; want: Record<string, string> }>([
    {
      name: "defaults for Jobs",
      options: {
        memRequest: "1G",
        memLimit: "2Gi",
        cpuRequest: "100m",
        cpuLimit: "1",
        imagePullPolicy: "Always",
      },
      want: {
        JOB_MEM_REQUEST: "1G",
        JOB_MEM_LIMIT: "2Gi",
        JOB_CPU_REQUEST: "100m",
        JOB_CPU_LIMIT: "1",
        IMAGE_PULL_POLICY: "Always",
      },
    },
    {
      name: "the ServiceAccount of Jobs",
      options: { serviceAccountName: "sa" },
      want: { SERVICE_ACCOUNT_NAME: "sa" },
    },
    { name: "the tenant", options: { tenantId: "t-1" }, want: { PREFECT__CLOUD__TENANT_ID: "t-1" } },
    {
      name: "labels sorted, once each, as Python writes them",
      options: { labels: ["it's", 'b"c', "d\\e", "é", "a'b\"c", "x\u00a0y\u200bz\t\n", "it's", "😀"] },
      want: {
        PREFECT__CLOUD__AGENT__LABELS: `['a\\'b"c', 'b"c', 'd\\\\e', "it's", 'x\\xa0y\\u200bz\\t\\n', 'é', '😀']`,
      },
    },
    {
      name: "environment as Python's JSON, with the last value of each name",
      options: { env: ["A=1", "B=x=y", 'A=é"\\ 😀\u007f', "C="] },
      want: {
        PREFECT__CLOUD__AGENT__ENV_VARS: String.raw`{"A": "\u00e9\"\\ \ud83d\ude00\u007f", "B": "x=y", "C": ""}`,
      },
    },
  ])("writes $name", ({ options, want }) => {
    expect(env({ agent: "python", ...options })).toMatchObject(want);
  });

  it("passes the agent configuration's id to the command", () => {
    expect(container({ agent: "python", agentConfigId: "foo-1" }).args).toEqual([
      "prefect agent kubernetes start --agent-config-id foo-1",
    ]);
  });

  it.each<{ options: Options; image: string }>([
    { options: {}, image: "prefecthq/prefect:1.4.1-python3.7" },
    { options: { latest: true }, image: "prefecthq/prefect:latest" },
    { options: { image: "mirror.example.com/prefect:1.4.1" }, image: "mirror.example.com/prefect:1.4.1" },
  ])("runs $image", ({ options, image }) => {
    expect(container({ agent: "python", ...options }).image).toBe(image);
  });
});
