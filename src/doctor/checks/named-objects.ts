// Objects that the options, the configuration, the job template or the agent's pod name: pods need them.

import { attempt } from "../../base/attempt.ts";
import { arrayIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { shellWord } from "../../base/shell-word.ts";
import { describeObject, type Secret } from "../../kube/client/objects.ts";
import { sampleJob } from "../../prefect1/build/build.ts";
import type { JobSettings } from "../../prefect1/build/job-settings.ts";
import type { Context } from "../context.ts";
import { checkOf, kubectl, type Finding } from "../finding.ts";
import { referencesOf, type Reference } from "./pod-references.ts";

const { check } = checkOf({ section: "kubernetes", check: "named objects" });
const account = checkOf({ section: "kubernetes", check: "ServiceAccount" });
const pullSecret = checkOf({ section: "kubernetes", check: "image pull Secret" });
const keySecret = checkOf({ section: "kubernetes", check: "key Secret" });
const ofTemplate = checkOf({ section: "kubernetes", check: "objects of the job template" });

/** Those that a kubelet reads. */
const PULL_SECRET_TYPES = new Set(["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"]);

export const namedObjects = check(async (context) => {
  const { kubernetes, target, signal } = context;
  const { kube, namespace, settings } = await kubernetes.cluster();
  const pods = await samplePods(context, settings);
  const ofFlows = [
    ...settings.map(({ serviceAccountName }) => serviceAccountName),
    ...pods.map(({ serviceAccountName, serviceAccount }) => textIn(serviceAccountName ?? serviceAccount)),
  ].flatMap((name) => (name ? [{ namespace, name }] : []));
  const accounts = [...(target.account === undefined ? [] : [target.account]), ...ofFlows];
  const pullSecrets = [
    ...settings.flatMap(({ imagePullSecrets = [] }) => imagePullSecrets),
    ...pods.flatMap(({ imagePullSecrets }) => arrayIn(imagePullSecrets).flatMap(nameOf)),
  ];
  const keys = settings.flatMap(({ keySecret }) => keySecret ?? []);
  const isKey = ({ resource, name, key }: Reference): boolean =>
    resource === "secrets" && keys.some((each) => each.name === name && each.key === key);
  const references = pods.flatMap(referencesOf).filter((reference) => !isKey(reference));
  const secret = (name: string) => kube.get("secrets", { namespace, name }, signal);
  /** A request that fails is the finding of that object alone. */
  const each = <T>(of: typeof account, objects: readonly T[], find: (object: T) => Promise<Finding>) =>
    objects.map((object) => of.check(async () => [await find(object)])(context));
  const findings = await Promise.all([
    ...each(account, accounts, async (ref) => {
      const shown = `"${ref.name}" in namespace "${ref.namespace}"`;
      const found = await kube.get("serviceaccounts", ref, signal);
      if (found !== undefined) return account.ok(`${shown} exists`);
      const fix = [kubectl(`create serviceaccount ${shellWord(ref.name)}`, ref.namespace)];
      return account.broken(`${shown} does not exist, so its pods cannot start`, { hint: "create it", fix });
    }),
    ...each(pullSecret, pullSecrets, async (name) => pullSecretFinding(name, await secret(name))),
    ...each(keySecret, keys, async ({ name, key }) => {
      const found = await secret(name);
      const value = found?.data?.[key];
      if (value !== undefined) return keyFinding({ name, key }, value);
      const has = Object.keys(found?.data ?? {}).join(", ");
      const hint = `add it, or name another one: --key-secret ${name}:KEY`;
      if (found !== undefined)
        return keySecret.broken(`"${name}" has no key "${key}"; it has ${has || "none"}`, { hint });
      // Fails without the variable, instead of creating an empty key.
      const literal = `--from-literal=${shellWord(key)}="\${PREFECT__CLOUD__API_KEY:?}"`;
      const fix = [kubectl(`create secret generic ${shellWord(name)} ${literal}`, namespace)];
      return keySecret.broken(`"${name}" does not exist`, { hint: "create it", fix });
    }),
    ...each(ofTemplate, references, async ({ resource, name, key }) => {
      const found = await kube.get(resource, { namespace, name }, signal);
      const shown = describeObject(resource, { namespace, name });
      const isClaim = resource === "persistentvolumeclaims";
      const hint = `create it, or ${isClaim ? "leave it out of" : "mark it as optional in"} the template`;
      if (found === undefined)
        return ofTemplate.broken(`${shown} does not exist, so pods cannot start`, { hint });
      const { data, binaryData } = found as { readonly data?: object; readonly binaryData?: object };
      if (key === undefined || key in { ...data, ...binaryData }) return ofTemplate.ok(`${shown} exists`);
      return ofTemplate.broken(`${shown} has no key "${key}", so pods cannot start`, { hint });
    }),
  ]);
  // Pods of one agent name the same objects.
  return [...new Map(findings.flat().map((finding) => [finding.message, finding])).values()];
});

function pullSecretFinding(name: string, found: Secret | undefined): Finding {
  const hint = "create it, with the registry's user and password: kubectl create secret docker-registry";
  if (found === undefined) return pullSecret.broken(`"${name}" does not exist`, { hint });
  const { type = "Opaque" } = found;
  if (PULL_SECRET_TYPES.has(type)) return pullSecret.ok(`"${name}" exists`);
  return pullSecret.broken(`"${name}" is of the type ${type}, which kubelets ignore`, { hint });
}

/** Flow runs send the key as it is, and Python's requests sends no line break. */
function keyFinding({ name, key }: { readonly name: string; readonly key: string }, base64: string): Finding {
  const value = Buffer.from(base64, "base64").toString();
  if (value !== "" && value === value.trim()) return keySecret.ok(`"${name}" has key "${key}"`);
  const what = value === "" ? "is empty" : "has white space around it, which flow runs send, too";
  const hint = "create it with: kubectl create secret generic --from-literal, which adds no line break";
  return keySecret.broken(`key "${key}" of "${name}" ${what}`, { hint });
}

/** The specs of sample pods; none if no Job can be built, which another check reports. */
async function samplePods(
  { template }: Context,
  settings: readonly JobSettings[],
): Promise<readonly JsonObject[]> {
  const loaded = await attempt(template);
  if (!loaded.ok) return [];
  const built = await Promise.all(settings.map((each) => attempt(() => sampleJob(loaded.value, each))));
  return built.flatMap((job) => (job.ok ? [job.value.spec.template.spec] : []));
}

function nameOf(reference: unknown): readonly string[] {
  const name = textIn(objectIn(reference)["name"]);
  return name === undefined ? [] : [name];
}
