// Rights: which calls each feature makes, and what it means that somebody may not make them.

import type { ExpectedError } from "../../base/errors.ts";
import type { Access, Subject } from "../../kube/client/api.ts";
import type { AccessRow, Feature, Verb } from "../../kube/permissions.ts";
import { AGENT_ACCESS, CLEANUP_ACCESS, FLOW_ACCESS } from "../../kube/permissions.ts";
import type { Answer } from "../answer.ts";
import { causeOf, isForbidden } from "../answer.ts";
import type { Finding, Status } from "../finding.ts";

/**
 * In which parts somebody's rights are looked at: `agent` runs the agent, `flows` is who flows' pods run as, `person`
 * types commands such as cleanup.
 */
export type Role = "agent" | "flows" | "person";

/** Somebody, and what they would have to be allowed. */
export interface RightsQuestion {
  readonly roles: readonly Role[];
  /** For people: `you`, `ServiceAccount flows/prefect-agent`. */
  readonly subject: string;
  /** Undefined: whoever asks. */
  readonly who: Subject | undefined;
  readonly leaderElect: boolean;
}

/** One call of one feature. */
export interface WantedRight {
  readonly access: Access;
  readonly feature: Feature;
}

const EVERY: readonly Verb[] = ["get", "list", "watch", "create", "delete"];
const ESSENTIAL: readonly Feature[] = ["launching flow runs", "following flow runs"];
const ROWS: Readonly<Record<Role, readonly AccessRow[]>> = {
  agent: [...AGENT_ACCESS, ...CLEANUP_ACCESS],
  person: CLEANUP_ACCESS,
  flows: FLOW_ACCESS,
};

/** Every call, `*` spelt out: a Role that lists all verbs that are called is as good as one with the star. */
export function wantedRights(roles: readonly Role[], namespace: string): readonly WantedRight[] {
  const rows = new Set(roles.flatMap((role) => ROWS[role]));
  return [...rows].flatMap(({ group, resource, subresource, verbs, feature }) =>
    (verbs.includes("*") ? EVERY : verbs).map((verb) => ({
      access: { verb, group, resource, subresource, namespace },
      feature,
    })),
  );
}

/** What tells one question from another. */
export function rightKey({ verb, group, resource, subresource = "" }: Access): string {
  return `${verb} ${group} ${resource} ${subresource}`;
}

/** A ServiceAccount as the API server knows it. */
export function serviceAccountSubject(namespace: string, name: string): Subject {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
  };
}

/** One finding for each feature. `granted` has the answer to each question, by rightKey. */
export function rightsFindings(
  question: RightsQuestion,
  wanted: readonly WantedRight[],
  granted: Answer<ReadonlyMap<string, boolean>>,
): readonly Finding[] {
  const { subject } = question;
  const about = { section: "rights", subject } as const;
  if (!granted.ok) return [{ ...about, check: "all features", ...unasked(question, granted.error) }];
  const byFeature = Map.groupBy(wanted, ({ feature }) => feature);
  return [...byFeature].map(([feature, rights]) => {
    const missing = rights.filter(({ access }) => granted.value.get(rightKey(access)) !== true);
    const data = {
      missing: missing.map(rightName),
      granted: rights.filter((each) => !missing.includes(each)).map(rightName),
    };
    if (missing.length === 0) {
      return { ...about, check: feature, status: "ok" as const, message: `may ${callsOf(rights)}`, data };
    }
    const { status, onlyFor } = weightOf(feature, question);
    const calls = callsOf(missing);
    const message = onlyFor === undefined ? `may not ${calls}` : `not granted, and only ${onlyFor}: ${calls}`;
    return { ...about, check: feature, status, message, hint: hintOf(status, feature), data };
  });
}

/** Everybody may ask for rights of his own, but nobody; to ask for others' takes a right. */
function unasked(
  { who }: RightsQuestion,
  error: ExpectedError,
): Pick<Finding, "status" | "message" | "hint"> {
  const cause = causeOf(error);
  if (!isForbidden(error)) {
    return { status: "warning", message: `cannot be asked for: ${cause}`, hint: error.hint };
  }
  if (who === undefined) {
    const hint = "log in to the cluster, or choose a context with credentials: kubectl config get-contexts";
    return { status: "broken", message: `not even allowed to ask: ${cause}`, hint };
  }
  return {
    status: "skipped",
    message: "not allowed to ask for others' rights (create subjectaccessreviews.authorization.k8s.io)",
    hint: "have somebody with more rights run this, or run it with the agent's own credentials",
  };
}

/** What a missing right means: for the agent much, for somebody who does not need it nothing. */
function weightOf(
  feature: Feature,
  { roles, leaderElect }: RightsQuestion,
): { readonly status: Status; readonly onlyFor?: string } {
  if (feature === "flows that start Dask")
    return { status: "skipped", onlyFor: "flows with Dask workers need it" };
  if (feature === "cleanup") {
    return roles.includes("person")
      ? { status: "warning" }
      : { status: "skipped", onlyFor: "an agent installed with --resource-manager needs it" };
  }
  if (feature === "leader election" && !leaderElect) {
    return { status: "skipped", onlyFor: "--leader-elect and --replicas need it" };
  }
  return { status: ESSENTIAL.includes(feature) || feature === "leader election" ? "broken" : "warning" };
}

function hintOf(status: Status, feature: Feature): string | undefined {
  if (status === "skipped") return undefined;
  if (feature === "cleanup")
    return "let an administrator grant it, or clean up with other credentials (--context, --as)";
  return "bind a Role that has it; one is printed by: kubectl prefect install --rbac=minimal";
}

/** `get, list pods, services; delete pods`: resources of which the same is asked stand together. */
function callsOf(rights: readonly WantedRight[]): string {
  const verbs = new Map<string, Set<string>>();
  for (const { access } of rights) {
    const { resource, subresource } = access;
    const name = subresource === undefined ? resource : `${resource}/${subresource}`;
    verbs.set(name, (verbs.get(name) ?? new Set()).add(access.verb));
  }
  const alike = Map.groupBy(verbs, ([, each]) => [...each].join(", "));
  return [...alike].map(([each, names]) => `${each} ${names.map(([name]) => name).join(", ")}`).join("; ");
}

/** As RBAC's own tools write it: `get jobs.batch`. */
function rightName({ access: { verb, group, resource, subresource } }: WantedRight): string {
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${group === "" ? name : `${name}.${group}`}`;
}
