// agent start rejects an invalid command line before it connects: there is no kubeconfig and no API here.

import { describe, expect, it } from "vitest";
import { runCli } from "../../../support/run-cli.ts";

interface Refused {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly error: string;
  readonly hint: RegExp;
}

const REFUSED: readonly Refused[] = [
  {
    argv: ["-b", "cluod"],
    error: 'read --backend flag "cluod": not one of cloud, server',
    hint: /mean cloud\?/,
  },
  {
    argv: [],
    env: { PREFECT__BACKEND: "sever" },
    error: 'read PREFECT__BACKEND variable "sever": not one of cloud, server',
    hint: /mean server\?/,
  },
  {
    argv: ["-a", "apollo:4200"],
    error: 'use Prefect API URL "apollo:4200": not an http(s) URL',
    hint: /http:\/\/localhost:4200/,
  },
  { argv: ["-n", "My_Flows"], error: 'read --namespace "My_Flows": not a namespace', hint: /lower-case/ },
  {
    argv: [],
    env: { NAMESPACE: "a b" },
    error: 'read NAMESPACE "a b": not a namespace',
    hint: /lower-case/,
  },
  ...[
    ["SERVICE_ACCOUNT_NAME", "A_", "not one ServiceAccount's name"],
    ["IMAGE_PULL_SECRETS", "a b", "not a Secret's name"],
    ["JOB_MEM_REQUEST", "64MB", "not a memory quantity"],
    ["JOB_MEM_LIMIT", "500m", "not a whole number of bytes"],
    ["JOB_CPU_REQUEST", "half", "not a CPU quantity"],
    ["JOB_CPU_LIMIT", "-1", "not a CPU quantity"],
  ].map(([name = "", value = "", problem]) => ({
    argv: [],
    env: { [name]: value },
    error: `read ${name} "${value}": ${problem}`,
    hint: /./,
  })),
  {
    argv: [],
    env: { PREFECT__CLOUD__REQUEST_TIMEOUT: "-1" },
    error: 'read PREFECT__CLOUD__REQUEST_TIMEOUT variable "-1": less than 0',
    hint: /0 for no limit/,
  },
  { argv: ["-l", ""], error: 'read --label "": not a label', hint: /leave out --label/ },
  { argv: ["-e", "A"], error: 'read --env "A": not NAME=VALUE', hint: /--env REGION=eu/ },
  { argv: ["-e", "=1"], error: 'read --env "=1": not NAME=VALUE', hint: /--env REGION=eu/ },
  {
    argv: ["--service-account-name", "a,b"],
    error: `read --service-account-name "a,b": not one ServiceAccount's name`,
    hint: /lower-case/,
  },
  {
    argv: ["--image-pull-secrets", "a,B"],
    error: `read --image-pull-secrets "B": not a Secret's name`,
    hint: /commas/,
  },
  {
    argv: ["--key-secret", "a:b:c"],
    error: 'read --key-secret "a:b:c": not one Secret as NAME or NAME:KEY',
    hint: /prefect-credentials:api-key/,
  },
  { argv: ["--agent-config-id", "a b"], error: 'read --agent-config-id "a b": not one id', hint: /copy/ },
  {
    argv: ["--log-level", "DEBG"],
    error: 'read --log-level "DEBG": not one of DEBUG, INFO, WARNING, ERROR, CRITICAL',
    hint: /mean DEBUG\?/,
  },
  {
    argv: ["--log-format", "xml"],
    error: 'read --log-format "xml": not one of text, json',
    hint: /text or json/,
  },
  { argv: ["--limit", "0"], error: 'read --limit "0": not a whole number of at least 1', hint: /--limit 10/ },
  {
    argv: ["--concurrency", "many"],
    error: 'read --concurrency "many": not a whole number of at least 1',
    hint: /--concurrency 10/,
  },
  {
    argv: ["--max-polls", "-1"],
    error: 'read --max-polls "-1": not a whole number of at least 0',
    hint: /--max-polls 10/,
  },
  { argv: ["--start-grace", "soon"], error: 'read --start-grace "soon": not a duration', hint: /30s/ },
  { argv: ["--pending-timeout", "1w"], error: 'read --pending-timeout "1w": not a duration', hint: /30s/ },
  { argv: ["--cancel-grace", "-1s"], error: 'read --cancel-grace "-1s": not a duration', hint: /30s/ },
  { argv: ["--shutdown-grace", "1,5s"], error: 'read --shutdown-grace "1,5s": not a duration', hint: /30s/ },
  {
    argv: ["--delete-succeeded-after", "ever"],
    error: 'read --delete-succeeded-after "ever": not a duration',
    hint: /30s/,
  },
  {
    argv: ["--on-disruption", "rety"],
    error: 'read --on-disruption "rety": not one of fail, retry',
    hint: /mean retry\?/,
  },
  {
    argv: ["--disable-job-deletion", "--delete-failed-after", "1h"],
    error: 'use "--disable-job-deletion" with "--delete-failed-after 1h": no Job is ever deleted',
    hint: /leave out one/,
  },
  { argv: ["--request-timeout", "x"], error: 'read --request-timeout "x": not a duration', hint: /30s/ },
  {
    argv: ["--agent-address", "http://127.0.0.1"],
    error: 'serve the agent at "http://127.0.0.1": the address has no valid port',
    hint: /http:\/\/:8080/,
  },
];

describe("agent start without a kubeconfig rejects", () => {
  it.each(REFUSED)("$argv $env", async ({ argv, env = {}, error, hint }) => {
    const { stdout, stderr, exitCode } = await runCli(["agent", "start", ...joined(argv)], { env });
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    const [first, second, ...more] = stderr.trimEnd().split("\n");
    expect(first).toBe(`error: cannot ${error}`);
    expect(second).toMatch(hint);
    expect(more).toEqual([]);
  });

  it("no valid options: then it fails for the missing kubeconfig", async () => {
    const { stderr, exitCode } = await runCli(["agent", "start", "-l", "k8s", "--limit", "5"]);
    expect(stderr).toMatch(/^error: cannot connect to a cluster: there is no kubeconfig/);
    expect(exitCode).toBe(2);
  });
});

/** Joins flag and value, so that a value may start with a hyphen. */
function joined(words: readonly string[]): string[] {
  return words.reduce<string[]>((done, word) => {
    const last = done.at(-1);
    if (last?.startsWith("--") === true && !last.includes("=") && !word.startsWith("--")) {
      return [...done.slice(0, -1), `${last}=${word}`];
    }
    return [...done, word];
  }, []);
}
