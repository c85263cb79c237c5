// Checks the cluster: first whether it answers, then everything else at once.

import type { DoctorDeps, DoctorTarget } from "./target.ts";
import { DEFAULT_SOURCE } from "../base/sourced.ts";
import type { Sourced } from "../base/sourced.ts";
import type { StateSources } from "../inventory/run-states.ts";
import { redactUrl } from "../base/redact-url.ts";
import { loadInventory } from "../inventory/load.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Template } from "../prefect1/build/template.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { listAll } from "../kube/client/api.ts";
import type { AnyObject } from "../kube/client/objects.ts";
import { admissionFindings, samplePod } from "./checks/admission.ts";
import { AGENT_POD_SELECTOR, agentPodFindings } from "./checks/agent-pods.ts";
import type { Answer } from "./answer.ts";
import { attempt, isForbidden, failedRequestFinding } from "./answer.ts";
import { missingPermissions } from "../kube/ask-permissions.ts";
import { moreCertain, clockFindings, readClock } from "./checks/clocks.ts";
import type { ClockReading } from "./checks/clocks.ts";
import { namespaceFinding, serverFinding, whoAmIFindings } from "./checks/cluster.ts";
import type { Finding } from "./finding.ts";
import { kubeconfigFindings, noClusterFinding } from "./checks/kubeconfig.ts";
import { namesOf, secretFinding, serviceAccountFinding } from "./checks/named-objects.ts";
import { quotaFindings } from "./checks/quotas.ts";
import type { Role, User } from "./checks/permissions.ts";
import { permissionFindings, serviceAccountSubject, wantedPermissions } from "./checks/permissions.ts";

/** The findings, and what other checks need. */
export interface ClusterChecked {
  readonly findings: readonly Finding[];
  readonly quotas: readonly Finding[];
  readonly namespace: string;
  /** The cluster and namespace as claims name them; undefined without a cluster. */
  readonly scope: string | undefined;
  readonly inventory: Inventory | undefined;
}

interface Cluster {
  readonly kube: KubeApi;
  readonly namespace: string;
  readonly target: DoctorTarget;
  readonly signal: AbortSignal;
}

/** Throws only on a bug or Ctrl-C. */
export async function runClusterChecks(
  deps: DoctorDeps,
  target: DoctorTarget,
  { sources, template }: { readonly sources: StateSources; readonly template: Promise<Answer<Template>> },
): Promise<ClusterChecked> {
  let clock: ClockReading | undefined;
  const connected = await attempt(() =>
    deps.connectKube(({ date, ms }) => {
      clock = moreCertain(clock, readClock(date, { at: deps.clock.now(), roundTripMs: ms }));
    }),
  );
  if (!connected.ok) {
    const { value: namespace } = namespaceFor(target, undefined);
    return { ...NO_RESULTS, findings: [noClusterFinding(connected.error)], namespace };
  }
  const { kube, target: context } = connected.value;
  const { value: namespace, source } = namespaceFor(target, context.namespace);
  const cluster: Cluster = { kube, namespace, target, signal: deps.signal };
  try {
    const version = await attempt(() => kube.version(deps.signal));
    const first = [...kubeconfigFindings(context), serverFinding(redactUrl(context.server), version)];
    if (!version.ok && !isForbidden(version.error)) return { ...NO_RESULTS, findings: first, namespace };
    const namespaceObject = attempt(() =>
      kube.get("namespaces", { namespace: "", name: namespace }, deps.signal),
    );
    const [inventory, quotas, ...others] = await Promise.all([
      attempt(() =>
        loadInventory(kube, sources, { namespace, dask: "all", events: "all", signal: deps.signal }),
      ),
      attempt(() => listQuotas(cluster)),
      userFindings(cluster),
      namespaceObject.then((answer) => [namespaceFinding({ value: namespace, source }, answer)]),
      objectFindings(cluster, namespaceObject),
      tryAdmission(cluster, namespaceObject, template),
      findAgentPods(cluster, deps.clock.now()),
      checkPermissions(cluster),
    ]);
    const clocks = clockFindings({ section: "kubernetes", check: "clock", whose: "the API server's" }, clock);
    const inventoryFindings = inventory.ok
      ? []
      : [failedRequestFinding({ section: "flow runs", check: "Jobs" }, inventory.error)];
    return {
      findings: [...first, ...clocks, ...others.flat(), ...inventoryFindings],
      quotas: quotaFindings(quotas),
      namespace,
      scope: `${kube.clusterId}/${namespace}`,
      inventory: inventory.ok ? inventory.value : undefined,
    };
  } finally {
    kube.close();
  }
}

const NO_RESULTS = { quotas: [], scope: undefined, inventory: undefined } as const;

/** The namespace of Jobs, chosen as the agent does. */
function namespaceFor({ namespace }: DoctorTarget, ofContext: string | undefined): Sourced<string> {
  if (namespace !== undefined && namespace.value !== "") return namespace;
  if (ofContext !== undefined && ofContext !== "") return { value: ofContext, source: "the context" };
  return { value: "default", source: DEFAULT_SOURCE };
}

async function userFindings({ kube, signal }: Cluster): Promise<readonly Finding[]> {
  return whoAmIFindings(await attempt(() => kube.whoAmI(signal)));
}

async function listQuotas({ kube, namespace, signal }: Cluster): Promise<readonly AnyObject[]> {
  const quotas: AnyObject[] = [];
  for await (const quota of listAll(kube, "resourcequotas", { namespace, signal })) quotas.push(quota);
  return quotas;
}

/** The ServiceAccount and Secrets of the Jobs; nothing if the namespace does not exist. */
async function objectFindings(
  { kube, namespace, target, signal }: Cluster,
  namespaceObject: Promise<Answer<AnyObject | undefined>>,
): Promise<readonly Finding[]> {
  const { settings } = target;
  const found = await namespaceObject;
  if (found.ok && found.value === undefined) return [];
  const names = {
    serviceAccountName: settings.serviceAccountName?.value,
    imagePullSecrets: settings.imagePullSecrets?.value,
    keySecret: settings.keySecret,
  };
  const { serviceAccount, secrets } = namesOf(names);
  const account = attempt(() => kube.get("serviceaccounts", { namespace, name: serviceAccount }, signal));
  return Promise.all([
    account.then((answer) => serviceAccountFinding(serviceAccount, namespace, answer)),
    ...secrets.map(async (name) =>
      secretFinding(name, names, await attempt(() => kube.get("secrets", { namespace, name }, signal))),
    ),
  ]);
}

async function tryAdmission(
  { kube, namespace, target, signal }: Cluster,
  namespaceObject: Promise<Answer<AnyObject | undefined>>,
  loading: Promise<Answer<Template>>,
): Promise<readonly Finding[]> {
  const [found, template] = await Promise.all([namespaceObject, loading]);
  const { jobSettings } = target;
  if (jobSettings === undefined || !template.ok || (found.ok && found.value === undefined)) return [];
  const tried = await attempt(() => {
    const pod = samplePod(template.value, { ...jobSettings, namespace });
    return kube.create("pods", pod, { namespace, dryRun: true, signal });
  });
  return admissionFindings(tried);
}

/** They are in the namespace of the agent's ServiceAccount; without --for, in that of the Jobs. */
async function findAgentPods(
  { kube, namespace: jobNamespace, target, signal }: Cluster,
  now: Date,
): Promise<readonly Finding[]> {
  const { account } = target;
  const namespace = account?.namespace ?? jobNamespace;
  const query = { namespace, labelSelector: AGENT_POD_SELECTOR };
  const pods = await attempt(async () => (await kube.listPage("pods", query, signal)).items);
  return agentPodFindings(pods, { namespace, isExpected: account !== undefined, now });
}

async function checkPermissions(cluster: Cluster): Promise<readonly Finding[]> {
  const found = await Promise.all(usersOf(cluster).map((user) => permissionsOf(cluster, user)));
  return found.flat();
}

async function permissionsOf(cluster: Cluster, user: User): Promise<readonly Finding[]> {
  const wanted = wantedPermissions(user.roles, cluster.namespace);
  const [missing, account] = await Promise.all([
    attempt(() => missingPermissions(cluster.kube, wanted, { who: user.who, signal: cluster.signal })),
    accountFindings(cluster, user),
  ]);
  return [...account, ...permissionFindings(user, wanted, missing)];
}

/** The current user; with --for also the agent's ServiceAccount, and the flows' one. */
function usersOf({ namespace, target }: Cluster): readonly User[] {
  const { account, leaderElect, settings } = target;
  const currentUser = { subject: "you", who: undefined, leaderElect };
  if (account === undefined) return [{ ...currentUser, roles: ["agent", "person", "flows"] }];
  const flows = settings.serviceAccountName?.value ?? "default";
  const isSame = account.namespace === namespace && account.name === flows;
  const agentRoles: readonly Role[] = isSame ? ["agent", "flows"] : ["agent"];
  const accountUser = (inNamespace: string, name: string, roles: readonly Role[]): User => ({
    roles,
    subject: `ServiceAccount ${inNamespace}/${name}`,
    who: serviceAccountSubject(inNamespace, name),
    leaderElect,
  });
  return [
    accountUser(account.namespace, account.name, agentRoles),
    ...(isSame ? [] : [accountUser(namespace, flows, ["flows"])]),
    { ...currentUser, roles: ["person"] },
  ];
}

/** Whether the ServiceAccount of --for exists: a Role can be bound to one that does not exist. */
async function accountFindings(
  { kube, target, signal }: Cluster,
  { roles, subject }: User,
): Promise<readonly Finding[]> {
  const { account } = target;
  if (account === undefined || !roles.includes("agent")) return [];
  const found: Answer<AnyObject | undefined> = await attempt(() =>
    kube.get("serviceaccounts", account, signal),
  );
  if (!found.ok || found.value !== undefined) return [];
  const { name, namespace } = account;
  return [
    {
      section: "permissions",
      subject,
      check: "ServiceAccount",
      status: "broken",
      message: "does not exist, so the agent's pod cannot start",
      hint: `create it with: kubectl create serviceaccount ${name} -n ${namespace}, or: kubectl prefect install --rbac=minimal -n ${namespace} | kubectl apply -f -`,
    },
  ];
}
