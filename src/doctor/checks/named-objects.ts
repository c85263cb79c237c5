// ServiceAccounts and Secrets that the options, the configuration or the agent's pod name: pods need them.

import { shellWord } from "../../base/shell-word.ts";
import { checkOf, type Finding } from "../finding.ts";

const { check } = checkOf({ section: "kubernetes", check: "named objects" });
const account = checkOf({ section: "kubernetes", check: "ServiceAccount" });
const pullSecret = checkOf({ section: "kubernetes", check: "image pull Secret" });
const keySecret = checkOf({ section: "kubernetes", check: "key Secret" });

export const namedObjects = check(async (context) => {
  const { kubernetes, target, commands, signal } = context;
  const { kube, namespace, settings } = await kubernetes.cluster();
  const ofFlows = settings.flatMap(({ serviceAccountName: name }) => (name ? [{ namespace, name }] : []));
  const accounts = [...(target.account === undefined ? [] : [target.account]), ...ofFlows];
  const pullSecrets = settings.flatMap(({ imagePullSecrets = [] }) => imagePullSecrets);
  const keys = settings.flatMap(({ keySecret }) => keySecret ?? []);
  const secret = (name: string) => kube.get("secrets", { namespace, name }, signal);
  /** A request that fails is the finding of that object alone. */
  const each = <T>(of: typeof account, objects: readonly T[], find: (object: T) => Promise<Finding>) =>
    objects.map((object) => of.check(async () => [await find(object)])(context));
  const findings = await Promise.all([
    ...each(account, accounts, async (ref) => {
      const shown = `"${ref.name}" in namespace "${ref.namespace}"`;
      const found = await kube.get("serviceaccounts", ref, signal);
      if (found !== undefined) return account.ok(`${shown} exists`);
      const fix = [commands.kubectl(`create serviceaccount ${shellWord(ref.name)}`, ref.namespace)];
      return account.broken(`${shown} does not exist, so its pods cannot start`, { hint: "create it", fix });
    }),
    ...each(pullSecret, pullSecrets, async (name) => {
      if ((await secret(name)) !== undefined) return pullSecret.ok(`"${name}" exists`);
      const hint = "create it, with the registry's user and password: kubectl create secret docker-registry";
      return pullSecret.broken(`"${name}" does not exist`, { hint });
    }),
    ...each(keySecret, keys, async ({ name, key }) => {
      const found = await secret(name);
      if (found?.data?.[key] !== undefined) return keySecret.ok(`"${name}" has key "${key}"`);
      const has = Object.keys(found?.data ?? {}).join(", ");
      const hint = `add it, or name another one: --key-secret ${name}:KEY`;
      if (found !== undefined)
        return keySecret.broken(`"${name}" has no key "${key}"; it has ${has || "none"}`, { hint });
      // Fails without the variable, instead of creating an empty key.
      const literal = `--from-literal=${shellWord(key)}="\${PREFECT__CLOUD__API_KEY:?}"`;
      const fix = [commands.kubectl(`create secret generic ${shellWord(name)} ${literal}`, namespace)];
      return keySecret.broken(`"${name}" does not exist`, { hint: "create it", fix });
    }),
  ]);
  // Pods of one agent name the same objects.
  return [...new Map(findings.flat().map((finding) => [finding.message, finding])).values()];
});
