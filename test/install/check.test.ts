// Invalid options and combinations.

import { describe, expect, it } from "vitest";
import { SettingsError } from "../../src/base/errors.ts";
import type { Options } from "./support/manifests.ts";
import { manifests } from "./support/manifests.ts";

function errorOf(options: Options): SettingsError {
  try {
    manifests(options);
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error("no error");
}

const template = (text: string): Options => ({ jobTemplate: { path: "job.yaml", text } });
const toml = (text: string): Options => ({ configToml: { path: "config.toml", text } });
const A_JOB = "kind: Job\napiVersion: batch/v1\nspec:\n  template:\n    spec: {}\n";

describe("checkOptions", () => {
  it.each<{ options: Options; message: string }>([
    { options: { namespace: "My_NS" }, message: 'cannot read --namespace "My_NS": not a namespace' },
    { options: { namespace: "a.b" }, message: 'cannot read --namespace "a.b": not a namespace' },
    {
      options: { namespace: "n".repeat(64) },
      message: `cannot read --namespace "${"n".repeat(64)}": not a namespace`,
    },
    { options: { image: "agent/" }, message: 'cannot read --image "agent/": not one image' },
    { options: { image: "a//b:v1" }, message: 'cannot read --image "a//b:v1": not one image' },
    {
      options: { serviceAccountName: "a,b" },
      message: `cannot read --service-account-name "a,b": not one ServiceAccount's name`,
    },
    {
      options: { imagePullSecrets: "ok,Not_Ok" },
      message: `cannot read --image-pull-secrets "Not_Ok": not a Secret's name`,
    },
    {
      options: { keySecret: "a,b" },
      message: 'cannot read --key-secret "a,b": not one Secret as NAME or NAME:KEY',
    },
    {
      options: { keySecret: "a:b:c" },
      message: 'cannot read --key-secret "a:b:c": not one Secret as NAME or NAME:KEY',
    },
    {
      options: { keySecret: "a:" },
      message: 'cannot read --key-secret "a:": not one Secret as NAME or NAME:KEY',
    },
    {
      options: { keySecret: "a:.." },
      message: 'cannot read --key-secret "a:..": not one Secret as NAME or NAME:KEY',
    },
    {
      options: { api: "me:hunter2@prefect:4200" },
      message: 'cannot read --api "prefect:4200": not an http or https address',
    },
    {
      options: { replicas: "99999999999" },
      message: 'cannot read --replicas "99999999999": not a number of replicas',
    },
    {
      options: { namespace: "flows", ...template(`metadata: {namespace: other}\n${A_JOB}`) },
      message:
        'cannot use job template "job.yaml": it is for the namespace "other", but the agent creates Jobs in "flows"',
    },
    {
      options: template(`${A_JOB}# ${"x".repeat(250_000)}\n`),
      message: 'cannot use job template "job.yaml": it is too large for a ConfigMap',
    },
    {
      options: toml(`# ${"x".repeat(250_000)}\n`),
      message: 'cannot use configuration "config.toml": it is too large for a ConfigMap',
    },
    { options: { startGrace: "36501d" }, message: 'cannot read --start-grace "36501d": too long' },
    {
      options: { api: "prefect:4200" },
      message: 'cannot read --api "prefect:4200": not an http or https address',
    },
    {
      options: { api: "http://a b" },
      message: 'cannot read --api "http://a b": not an http or https address',
    },
    {
      options: { jobTemplateUrl: "ftp://host/job.yaml" },
      message: 'cannot read --job-template "ftp://host/job.yaml": not an address that the agent can fetch',
    },
    { options: { image: "a,b" }, message: 'cannot read --image "a,b": not one image' },
    { options: { image: "Repo/Image:v1" }, message: 'cannot read --image "Repo/Image:v1": not one image' },
    { options: { image: "Repo/image:v1" }, message: 'cannot read --image "Repo/image:v1": not one image' },
    { options: { image: "R.io/Image:v1" }, message: 'cannot read --image "R.io/Image:v1": not one image' },
    { options: { tenantId: "a b" }, message: 'cannot read --tenant-id "a b": not one id' },
    { options: { agentConfigId: "x; rm" }, message: 'cannot read --agent-config-id "x; rm": not one id' },
    { options: { labels: ["a", ""] }, message: 'cannot read --label "": not a label' },
    { options: { env: ["A"] }, message: 'cannot read --env "A": not NAME=VALUE' },
    { options: { env: ["=1"] }, message: 'cannot read --env "=1": not NAME=VALUE' },
    { options: { env: ["1A=1"] }, message: 'cannot read --env "1A=1": not NAME=VALUE' },
    { options: { agent: "ruby" }, message: 'cannot read --agent "ruby": not one of kubectl-prefect, python' },
    { options: { backend: "clown" }, message: 'cannot read --backend "clown": not one of cloud, server' },
    {
      options: { logLevel: "loud" },
      message: 'cannot read --log-level "loud": not one of DEBUG, INFO, WARNING, ERROR, CRITICAL',
    },
    { options: { logFormat: "xml" }, message: 'cannot read --log-format "xml": not one of text, json' },
    {
      options: { onDisruption: "cry" },
      message: 'cannot read --on-disruption "cry": not one of fail, retry',
    },
    {
      options: { imagePullPolicy: "always" },
      message: 'cannot read --image-pull-policy "always": not one of Always, IfNotPresent, Never',
    },
    {
      options: { disableJobDeletion: true, deleteSucceededAfter: "1h" },
      message:
        'cannot use "--disable-job-deletion" with "--delete-succeeded-after 1h": no Job is ever deleted',
    },
    { options: { startGrace: "soon" }, message: 'cannot read --start-grace "soon": not a duration' },
    {
      options: { deleteFailedAfter: "no" },
      message: 'cannot read --delete-failed-after "no": not a duration',
    },
    { options: { replicas: "0" }, message: 'cannot read --replicas "0": not a whole number of at least 1' },
    { options: { replicas: "-1" }, message: 'cannot read --replicas "-1": not a whole number of at least 1' },
    { options: { limit: "1.5" }, message: 'cannot read --limit "1.5": not a whole number of at least 1' },
    {
      options: { concurrency: "NaN" },
      message: 'cannot read --concurrency "NaN": not a whole number of at least 1',
    },
    { options: { memLimit: "512 MB" }, message: 'cannot read --mem-limit "512 MB": not a memory quantity' },
    {
      options: { agentMemLimit: "512m" },
      message: 'cannot read --agent-mem-limit "512m": not a whole number of bytes',
    },
    { options: { memRequest: "-1Mi" }, message: 'cannot read --mem-request "-1Mi": not a memory quantity' },
    { options: { cpuLimit: "-1" }, message: 'cannot read --cpu-limit "-1": not a CPU quantity' },
    { options: { cpuRequest: "many" }, message: 'cannot read --cpu-request "many": not a CPU quantity' },
    {
      options: { memRequest: "2Gi", memLimit: "2G" },
      message: 'cannot use --mem-limit "2G": it is less than --mem-request 2Gi',
    },
    {
      options: { agentCpuRequest: "1", agentCpuLimit: "500m" },
      message: 'cannot use --agent-cpu-limit "500m": it is less than --agent-cpu-request 1',
    },
    {
      options: { key: "K", keySecret: "mine" },
      message: 'cannot use "--key" with "--key-secret": both name the API key',
    },
    {
      options: { keySecret: "mine", inlineKey: true },
      message:
        'cannot use "--inline-key" with "--key-secret": the key is in a Secret and cannot be written into the Deployment',
    },
    { options: { inlineKey: true }, message: "cannot use --inline-key: no API key is set" },
    {
      options: { latest: true, image: "mine" },
      message: 'cannot use "--latest" with "--image": both name the image',
    },
    {
      options: { resourceManager: true, disableJobDeletion: true },
      message:
        'cannot use "--resource-manager" with "--disable-job-deletion": the resource manager would delete the Jobs that the agent keeps',
    },
    {
      options: { resourceManager: true, deleteFailedAfter: "never" },
      message:
        'cannot use "--resource-manager" with "--delete-failed-after never": the resource manager would delete the Jobs that the agent keeps',
    },
    {
      options: { backend: "server" },
      message: 'cannot use --backend "server": the address of the server is not set',
    },
  ])("rejects $options", ({ options, message }) => {
    const { message: actual, hint } = errorOf(options);
    expect(actual).toBe(message);
    expect(hint).toMatch(/\w/);
  });

  it.each(["s3cr3t key", "s3cr3t\n", '"s3cr3té"'])("rejects the API key %j without repeating it", (key) => {
    const { message, hint } = errorOf({ key });
    expect(message).toMatch(/^cannot read --key: /);
    expect(`${message} ${hint}`).not.toContain("s3cr3t");
  });

  it.each<{ text: string; message: string | RegExp }>([
    { text: "", message: 'cannot use job template "job.yaml": it is empty, not a Job' },
    { text: "- a", message: 'cannot use job template "job.yaml": it is a list, not a Job' },
    { text: "job", message: 'cannot use job template "job.yaml": it is not an object' },
    {
      text: "kind: Pod\nspec: {}",
      message: 'cannot use job template "job.yaml": it is a Pod, not a Job',
    },
    {
      text: A_JOB.replace("batch/v1", "batch/v1beta1"),
      message: 'cannot use job template "job.yaml": its apiVersion is batch/v1beta1, it must be batch/v1',
    },
    {
      text: "kind: Job\nspec: {}",
      message: 'cannot use job template "job.yaml": it has no spec.template.spec',
    },
    {
      text: "a: b: c",
      message: /^cannot use job template "job.yaml": it is not YAML: .* at line 1, column 4$/,
    },
    {
      text: `${A_JOB}---\n${A_JOB}`,
      message: /^cannot use job template "job.yaml": it holds a second document/,
    },
  ])("rejects a job template: $message", ({ text, message }) => {
    expect(errorOf(template(text)).message).toMatch(message);
  });

  it.each<{ text: string; message: string | RegExp }>([
    { text: "[cloud\n", message: /^cannot read "config.toml": .* at line 1, column \d+$/ },
    {
      text: '[cloud]\napi_key = "K"',
      message: 'cannot use configuration "config.toml": it has cloud.api_key, but a ConfigMap is not secret',
    },
    {
      text: '[cloud.agent]\nauth_token = "K"',
      message:
        'cannot use configuration "config.toml": it has cloud.agent.auth_token, but a ConfigMap is not secret',
    },
    {
      text: '[context.secrets]\nAWS = "K"',
      message:
        'cannot use configuration "config.toml": it has context.secrets.AWS, but a ConfigMap is not secret',
    },
  ])("rejects a configuration: $message", ({ text, message }) => {
    expect(errorOf(toml(text)).message).toMatch(message);
  });

  it.each<{ name: string; options: Options }>([
    { name: "a template without kind and apiVersion", options: template("spec: {template: {spec: {}}}") },
    { name: "a template in JSON", options: template('{"kind":"Job","spec":{"template":{"spec":{}}}}') },
    { name: "an empty configuration", options: toml("") },
    {
      name: "a server named by the configuration",
      options: { backend: "server", ...toml('[cloud]\napi = "http://p"') },
    },
    { name: "a limit equal to the request", options: { memRequest: "1024Mi", memLimit: "1Gi" } },
    { name: "log levels in any case", options: { logLevel: "Warning" } },
    { name: "never", options: { deleteSucceededAfter: "never", deleteFailedAfter: "never" } },
    { name: "names with dots", options: { serviceAccountName: "flows.team-a", keySecret: "a.b:c.d_e" } },
    { name: "kubectl-prefect by name", options: { agent: "kubectl-prefect" } },
  ])("accepts $name", ({ options }) => {
    expect(manifests(options).at(-1)?.kind).toBe("Deployment");
  });
});

describe("checkOptions with --agent python", () => {
  it.each<{ options: Options; flag: string }>([
    { options: { keySecret: "mine" }, flag: "--key-secret" },
    { options: { rbac: "minimal" }, flag: "--rbac=minimal" },
    { options: template(A_JOB), flag: "--job-template" },
    { options: { resourceManager: true }, flag: "--resource-manager" },
    { options: { replicas: "2" }, flag: "--replicas" },
    { options: { name: "me" }, flag: "--name" },
  ])("rejects $flag, which Prefect's own agent does not have", ({ options, flag }) => {
    expect(errorOf({ agent: "python", ...options }).message).toBe(
      `cannot use "${flag}" with "--agent python": Prefect's own agent has no such option`,
    );
  });

  it("rejects several image pull Secrets, which the original would write as one name", () => {
    expect(errorOf({ agent: "python", imagePullSecrets: "a,b" }).message).toBe(
      `cannot use --image-pull-secrets "a,b": Prefect's own agent takes only one Secret`,
    );
  });

  it("rejects --latest together with --image", () => {
    expect(errorOf({ agent: "python", latest: true, image: "mine" }).message).toBe(
      'cannot use "--latest" with "--image": both name the image',
    );
  });

  it("prints a Deployment for Prefect Server without an address, as the original does", () => {
    expect(manifests({ agent: "python", backend: "server" })).toHaveLength(1);
  });
});
