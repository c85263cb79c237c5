// Asks the cluster: first whether it answers at all, then everything else at once.

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
import { attempt, isForbidden, unanswered } from "./answer.ts";
import { askRights } from "./ask-permissions.ts";
import { better, clockFindings, readClock } from "./checks/clocks.ts";
import type { ClockReading } from "./checks/clocks.ts";
import { namespaceFinding, serverFinding, whoAmIFindings } from "./checks/cluster.ts";
import type { Finding } from "./finding.ts";
import { kubeconfigFindings, noClusterFinding } from "./checks/kubeconfig.ts";
import { namesOf, secretFinding, serviceAccountFinding } from "./checks/named-objects.ts";
import { quotaFindings } from "./checks/quotas.ts";
import type { RightsQuestion, Role } from "./checks/permissions.ts";
import { rightsFindings, serviceAccountSubject, wantedRights } from "./checks/permissions.ts";

/** What was found, and what other findings are made of. */
export interface ClusterChecked {
  readonly findings: readonly Finding[];
  readonly quotas: readonly Finding[];
  readonly namespace: string;
  /** Cluster and namespace, as claims name them; undefined when there is no cluster. */
  readonly scope: string | undefined;
  readonly inventory: Inventory | undefined;
}

/** What each question is put to. */
interface Cluster {
  readonly kube: KubeApi;
  readonly namespace: string;
  readonly target: DoctorTarget;
  readonly signal: AbortSignal;
}

/** Throws only what was not foreseen. */
export async function runClusterChecks(
  deps: DoctorDeps,
  target: DoctorTarget,
  given: { readonly sources: StateSources; readonly template: Promise<Answer<Template>> },
): Promise<ClusterChecked> {
  const { sources } = given;
  let clock: ClockReading | undefined;
  const connected = await attempt(() =>
    deps.connectKube(({ date, ms }) => {
      clock = better(clock, readClock(date, { at: deps.clock.now(), roundTripMs: ms }));
    }),
  );
  if (!connected.ok) {
    const { value: namespace } = namespaceFor(target, undefined);
    return { ...NOTHING, findings: [noClusterFinding(connected.error)], namespace };
  }
  const { kube, target: context } = connected.value;
  const { value: namespace, source } = namespaceFor(target, context.namespace);
  const cluster: Cluster = { kube, namespace, target, signal: deps.signal };
  try {
    const version = await attempt(() => kube.version(deps.signal));
    const first = [...kubeconfigFindings(context), serverFinding(redactUrl(context.server), version)];
    if (!version.ok && !isForbidden(version.error)) return { ...NOTHING, findings: first, namespace };
    const space = attempt(() => kube.get("namespaces", { namespace: "", name: namespace }, deps.signal));
    const [inventory, quotas, ...others] = await Promise.all([
      attempt(() =>
        loadInventory(kube, sources, { namespace, dask: "all", events: "all", signal: deps.signal }),
      ),
      attempt(() => everyQuota(cluster)),
      userFindings(cluster),
      space.then((answer) => [namespaceFinding({ value: namespace, source }, answer)]),
      objectFindings(cluster, space),
      admission(cluster, space, given.template),
      agentPods(cluster, deps.clock.now()),
      rights(cluster),
    ]);
    const clocks = clockFindings({ section: "kubernetes", check: "clock", whose: "the API server's" }, clock);
    const unseen = inventory.ok ? [] : [unanswered({ section: "flow runs", check: "Jobs" }, inventory.error)];
    return {
      findings: [...first, ...clocks, ...others.flat(), ...unseen],
      quotas: quotaFindings(quotas),
      namespace,
      scope: `${kube.clusterMark}/${namespace}`,
      inventory: inventory.ok ? inventory.value : undefined,
    };
  } finally {
    kube.close();
  }
}

const NOTHING = { quotas: [], scope: undefined, inventory: undefined } as const;

/** The namespace of Jobs, as the agent chooses it. */
function namespaceFor({ namespace }: DoctorTarget, ofContext: string | undefined): Sourced<string> {
  if (namespace !== undefined && namespace.value !== "") return namespace;
  if (ofContext !== undefined && ofContext !== "") return { value: ofContext, source: "the context" };
  return { value: "default", source: DEFAULT_SOURCE };
}

async function userFindings({ kube, signal }: Cluster): Promise<readonly Finding[]> {
  return whoAmIFindings(await attempt(() => kube.whoAmI(signal)));
}

async function everyQuota({ kube, namespace, signal }: Cluster): Promise<readonly AnyObject[]> {
  const quotas: AnyObject[] = [];
  for await (const quota of listAll(kube, "resourcequotas", { namespace, signal })) quotas.push(quota);
  return quotas;
}

/** Nothing of a namespace that does not exist: that is told already. */
async function objectFindings(
  { kube, namespace, target, signal }: Cluster,
  space: Promise<Answer<AnyObject | undefined>>,
): Promise<readonly Finding[]> {
  const { settings } = target;
  const found = await space;
  if (found.ok && found.value === undefined) return [];
  const naming = {
    serviceAccountName: settings.serviceAccountName?.value,
    imagePullSecrets: settings.imagePullSecrets?.value,
    keySecret: settings.keySecret,
  };
  const { serviceAccount, secrets } = namesOf(naming);
  const account = attempt(() => kube.get("serviceaccounts", { namespace, name: serviceAccount }, signal));
  return Promise.all([
    account.then((answer) => serviceAccountFinding(serviceAccount, namespace, answer)),
    ...secrets.map(async (name) =>
      secretFinding(name, naming, await attempt(() => kube.get("secrets", { namespace, name }, signal))),
    ),
  ]);
}

async function admission(
  { kube, namespace, target, signal }: Cluster,
  space: Promise<Answer<AnyObject | undefined>>,
  loading: Promise<Answer<Template>>,
): Promise<readonly Finding[]> {
  const [found, template] = await Promise.all([space, loading]);
  const { job } = target;
  if (job === undefined || !template.ok || (found.ok && found.value === undefined)) return [];
  const tried = await attempt(() => {
    const pod = samplePod(template.value, { ...job, namespace });
    return kube.create("pods", pod, { namespace, dryRun: true, signal });
  });
  return admissionFindings(tried);
}

/** They are where the agent's ServiceAccount is; without one, where its Jobs are. */
async function agentPods(
  { kube, namespace: ofJobs, target, signal }: Cluster,
  now: Date,
): Promise<readonly Finding[]> {
  const { account } = target;
  const namespace = account?.namespace ?? ofJobs;
  const query = { namespace, labelSelector: AGENT_POD_SELECTOR };
  const pods = await attempt(async () => (await kube.listPage("pods", query, signal)).items);
  return agentPodFindings(pods, { namespace, isExpected: account !== undefined, now });
}

async function rights(cluster: Cluster): Promise<readonly Finding[]> {
  const found = await Promise.all(questionsFor(cluster).map((question) => answered(cluster, question)));
  return found.flat();
}

async function answered(cluster: Cluster, question: RightsQuestion): Promise<readonly Finding[]> {
  const wanted = wantedRights(question.roles, cluster.namespace);
  const [granted, account] = await Promise.all([
    askRights(cluster.kube, question, { wanted, signal: cluster.signal }),
    accountFindings(cluster, question),
  ]);
  return [...account, ...rightsFindings(question, wanted, granted)];
}

/** Me; with --for also the agent's ServiceAccount, and the one under which flows run. */
function questionsFor({ namespace, target }: Cluster): readonly RightsQuestion[] {
  const { account, leaderElect, settings } = target;
  const me = { subject: "you", who: undefined, leaderElect };
  if (account === undefined) return [{ ...me, roles: ["agent", "person", "flows"] }];
  const flows = settings.serviceAccountName?.value ?? "default";
  const isSame = account.namespace === namespace && account.name === flows;
  const agentRoles: readonly Role[] = isSame ? ["agent", "flows"] : ["agent"];
  const of = (place: string, name: string, roles: readonly Role[]): RightsQuestion => ({
    roles,
    subject: `ServiceAccount ${place}/${name}`,
    who: serviceAccountSubject(place, name),
    leaderElect,
  });
  return [
    of(account.namespace, account.name, agentRoles),
    ...(isSame ? [] : [of(namespace, flows, ["flows"])]),
    { ...me, roles: ["person"] },
  ];
}

/** Whether the ServiceAccount of --for is there: rights can be bound to one that is not. */
async function accountFindings(
  { kube, target, signal }: Cluster,
  { roles, subject }: RightsQuestion,
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
      section: "rights",
      subject,
      check: "ServiceAccount",
      status: "broken",
      message: "does not exist: an agent that names it gets no pod",
      hint: `create it with: kubectl create serviceaccount ${name} -n ${namespace}; or see kubectl prefect install --rbac=minimal`,
    },
  ];
}
