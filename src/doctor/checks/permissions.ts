// Permissions: whether the agent may make the calls of each of its features.

import { attempt } from "../../base/attempt.ts";
import { shellWord } from "../../base/shell-word.ts";
import { missingPermissions } from "../../kube/ask-permissions.ts";
import {
  agentPermissions,
  CLEANUP_PERMISSIONS,
  isEssential,
  permissionsIn,
  type Permission,
} from "../../kube/permissions.ts";
import type { InstalledAgent, ServiceAccountRef } from "../../prefect1/installed-agent.ts";
import { checkOf, kubectl, type Finding, type More } from "../finding.ts";

const { check } = checkOf({ section: "permissions", check: "permissions" });

/** What the agent does without `telling clusters apart`. */
const WITHOUT_UID =
  "without it: the agent goes by the uid of its ServiceAccount, else by the CA alone; then it creates no Job for a claim of another process, and fails no run whose Job vanished";

/** Whose permissions are checked, and for what. Without an account: of the user, as whom `agent start` would run here. */
type Holder = Pick<InstalledAgent, "leaderElect" | "cleansUp"> & Partial<Pick<InstalledAgent, "account">>;

export const permissions = check(async ({ kubernetes, target, signal }) => {
  const { kube, namespace, agents } = await kubernetes.cluster();
  const { account, leaderElect } = target;
  const none: Holder = { ...(account && { account }), leaderElect, cleansUp: false };
  const holders: readonly Holder[] = agents.length > 0 ? agents : [none];
  const distinct = Map.groupBy(holders, subjectOf);
  // Who may not list pods is told of the permissions all the same.
  const running = await attempt(() => (account === undefined ? [] : kubernetes.otherAccounts(namespace)));
  const others = running.value ?? [];
  const accounts = holders.flatMap((each) => each.account ?? []);
  const found = await Promise.all(
    [...distinct.values()].map(async (alike) => {
      const holder: Holder = {
        ...alike[0],
        leaderElect: leaderElect || alike.some((each) => each.leaderElect),
        cleansUp: alike.some((each) => each.cleansUp),
      };
      const rows = [...agentPermissions(holder.leaderElect), ...(holder.cleansUp ? CLEANUP_PERMISSIONS : [])];
      const wanted = permissionsIn(rows, namespace);
      const who = holder.account && serviceAccountSubject(holder.account);
      const missing = await missingPermissions(kube, wanted, { who, signal });
      const help =
        others.length === 0
          ? grantHelp(holder, { namespace, accounts })
          : { hint: `leave out --for: the agent here runs as ServiceAccount ${others.join(", ")}` };
      const findings = permissionFindings(holder, wanted, missing);
      return findings.map((finding) => (finding.status === "ok" ? finding : { ...finding, ...help }));
    }),
  );
  return found.flat();
});

function subjectOf({ account }: Holder): string {
  return account === undefined ? "you" : `ServiceAccount ${account.namespace}/${account.name}`;
}

/** A ServiceAccount as the API server knows it. */
export function serviceAccountSubject({ namespace, name }: InstalledAgent["account"]) {
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  return { user: `system:serviceaccount:${namespace}:${name}`, groups };
}

/** One finding for each feature. `missing`: those of the wanted permissions that are not granted. */
export function permissionFindings(
  holder: Holder,
  wanted: readonly Permission[],
  missing: readonly Permission[],
): readonly Finding[] {
  const subject = subjectOf(holder);
  return [...Map.groupBy(wanted, ({ feature }) => feature)].map(([feature, calls]) => {
    const { broken, ok, warning } = checkOf({ section: "permissions", check: feature, subject });
    const lacking = calls.filter((each) => missing.includes(each));
    if (lacking.length === 0) return ok(`${subject} may ${callsText(calls)}`);
    const report = isEssential(feature) ? broken : warning;
    const details = feature === "telling clusters apart" ? [WITHOUT_UID] : undefined;
    return report(`${subject} may not ${callsText(lacking)}`, { details });
  });
}

/**
 * How to grant what is missing, by commands that create nothing but permissions. `accounts`: those of all agents, since the
 * binding that `install` prints is of one account, in place of any that it had.
 */
export function grantHelp(
  { account, leaderElect, cleansUp }: Holder,
  { namespace, accounts }: { readonly namespace: string; readonly accounts: readonly ServiceAccountRef[] },
): More {
  const here = accounts.filter((each) => each.namespace === namespace).map(({ name }) => name);
  const isDefault = here.includes("default");
  const extra = `${leaderElect ? " --leader-elect" : ""}${cleansUp ? " --resource-manager" : ""}`;
  const rbac = isDefault ? "--rbac" : "--rbac=minimal";
  const print = `kubectl prefect install ${rbac} --rbac-only${extra} -n ${shellWord(namespace)}`;
  if (account === undefined)
    return { hint: "let an administrator bind you to a Role like the one that this prints", look: print };
  const apply = `${print} | ${kubectl("apply -f -", namespace)}`;
  const bound = isDefault ? "default" : "prefect-agent";
  const loser = isDefault && here.includes("prefect-agent") ? [{ namespace, name: "prefect-agent" }] : [];
  const others = [account, ...loser].filter((each) => each.namespace !== namespace || each.name !== bound);
  const names = [...new Set(others.map((each) => `${each.namespace}:${each.name}`))];
  const binds = names.flatMap((name) =>
    ["prefect-agent-rbac", "prefect-agent-rbac-dask"].map((role) =>
      kubectl(
        `create rolebinding ${role}-${name.replace(":", "-")} --role=${role} --serviceaccount=${name}`,
        namespace,
      ),
    ),
  );
  return { hint: "grant it", fix: [apply, ...binds] };
}

/** `get, list pods, services; delete pods`: resources with the same verbs stand together. */
function callsText(permissions: readonly Permission[]): string {
  const verbs = Map.groupBy(permissions, ({ access: { resource, subresource } }) =>
    subresource === undefined ? resource : `${resource}/${subresource}`,
  );
  const alike = Map.groupBy(verbs, ([, of]) => [...new Set(of.map(({ access }) => access.verb))].join(", "));
  return [...alike].map(([each, names]) => `${each} ${names.map(([name]) => name).join(", ")}`).join("; ");
}
