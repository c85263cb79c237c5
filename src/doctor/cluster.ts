// The cluster and the agents in it, as the checks share them.

import { attempt } from "../base/attempt.ts";
import { objectIn } from "../base/json.ts";
import { ServerClock } from "../base/server-clock.ts";
import { DEFAULT_SOURCE, type Sourced } from "../base/sourced.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { isForbidden } from "../kube/client/errors.ts";
import type { AnyObject, Pod } from "../kube/client/objects.ts";
import type { Place } from "../orchestrator/place.ts";
import { connectOnce } from "../orchestrator/run-directory.ts";
import { jobSettings } from "../prefect1/config/job-settings.ts";
import { accountName, AGENT_POD_SELECTOR, installedAgent } from "../prefect1/installed-agent.ts";
import { once, reported, ReportedError } from "./answer.ts";
import type { DoctorDeps, DoctorTarget } from "./target.ts";

/** Sends nothing yet. */
export function clusterAnswers({ connectKube, clock, signal }: DoctorDeps, target: DoctorTarget) {
  const time = new ServerClock(clock);
  const { client: connection, close } = connectOnce(async () => {
    const connected = await connectKube(time.observe);
    return { ...connected, close: () => connected.kube.close() };
  });
  const version = once(async () => (await reported(connection())).kube.version(signal));
  /** The API, once it has answered, and the chosen namespace. */
  const reachable = once(async () => {
    const answer = await attempt(version);
    // A server that does not tell this user its version answers all the same.
    if (!answer.ok && !isForbidden(answer.error)) throw new ReportedError(answer.error.message);
    const { kube, target: context } = await connection();
    const ofContext = { value: context.namespace ?? "", source: "the context" };
    const otherwise = ofContext.value === "" ? { value: "default", source: DEFAULT_SOURCE } : ofContext;
    return { kube, chosen: target.namespace ?? otherwise };
  });
  const pods = podAnswers(reachable, target, signal);
  /** API, agents, and the Jobs' namespace, with what was read of it. */
  const located = once(async () => {
    const [{ kube, chosen }, found] = await Promise.all([reachable(), attempt(pods.agents)]);
    const agents = found.value ?? [];
    // The agents' own namespace, if they agree.
    const [own = chosen.value, ...others] = new Set(agents.map(({ settings }) => settings.namespace));
    const isChosen = target.account !== undefined || others.length > 0 || own === chosen.value;
    const namespace: Sourced<string> = isChosen ? chosen : { value: own, source: "the agent's pod" };
    const ref = { namespace: "", name: namespace.value };
    const object = await attempt(() => kube.get("namespaces", ref, signal));
    return { kube, agents, namespace, object };
  });
  /** The same, unless the namespace does not exist; and the settings of the agents' Jobs. */
  const cluster = once(async () => {
    const { kube, agents, object, ...found } = await located();
    const namespace = found.namespace.value;
    if (object.ok && object.value === undefined) throw new ReportedError(`no namespace "${namespace}"`);
    // Without an agent: what `agent start` would use here.
    const here = target.config.ok ? [jobSettings(target.config.value, { ...target.given, namespace })] : [];
    const settings = agents.length > 0 ? agents.map((agent) => agent.settings) : here;
    const place: Place = { namespace, namespaceUid: object.value?.metadata.uid, ca: kube.clusterId };
    return { kube, agents, namespace, settings, place };
  });
  return { ...pods, connection, version, located, cluster, clock: time, close };
}

type Reachable = () => Promise<{ readonly kube: KubeApi; readonly chosen: Sourced<string> }>;

function podAnswers(reachable: Reachable, target: DoctorTarget, signal: AbortSignal) {
  const { account } = target;
  const podsIn = async (namespace: string): Promise<readonly Pod[]> => {
    const { kube } = await reachable();
    const { items } = await kube.listPage("pods", { namespace, labelSelector: AGENT_POD_SELECTOR }, signal);
    return items.filter(isLiving);
  };
  const isAsked = ({ metadata, spec }: Pod): boolean =>
    account === undefined || (metadata.namespace === account.namespace && accountName(spec) === account.name);
  /** In the namespace, or those of the ServiceAccount of --for; each with what it runs, if that can be read. */
  const agentPods = once(async () => {
    const asked = (await podsIn(account?.namespace ?? (await reachable()).chosen.value)).filter(isAsked);
    return Promise.all(
      asked.map(async (pod) => ({ pod, agent: await attempt(() => installedAgent(pod, target.given)) })),
    );
  });
  /** The ServiceAccounts of the agents in a namespace, if none of them is that of --for. */
  const otherAccounts = async (namespace: string): Promise<readonly string[]> => {
    const pods = await podsIn(namespace);
    return pods.some(isAsked) ? [] : [...new Set(pods.map(({ spec }) => accountName(spec)))];
  };
  const agents = async () => (await agentPods()).flatMap(({ agent }) => agent.value ?? []);
  /** The Deployments of agents there; none for who may not list them. */
  const deployments = async (): Promise<readonly AnyObject[]> => {
    const { kube, chosen } = await reachable();
    const query = { namespace: account?.namespace ?? chosen.value, labelSelector: AGENT_POD_SELECTOR };
    const found = (await attempt(() => kube.listPage("deployments", query, signal))).value?.items ?? [];
    const accountOf = ({ spec = {} }: AnyObject): string =>
      accountName(objectIn(objectIn(spec["template"])["spec"]));
    return found.filter((each) => account === undefined || accountOf(each) === account.name);
  };
  return { agentPods, otherAccounts, agents, deployments };
}

function isLiving({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status.phase !== "Failed";
}
