// Place: the cluster and namespace of an agent's Jobs. A claim names it, so that an agent elsewhere does not take the claim
// for its own. No single identity of a cluster can be read by everybody, so a place has several.

/** What could be read of a place. */
export interface Place {
  readonly namespace: string;
  /** The uid of that namespace: unique in the world. */
  readonly namespaceUid?: string | undefined;
  /** The uid of the namespace kube-system, which stands for the cluster. */
  readonly clusterUid?: string | undefined;
  /** The uid of the ServiceAccount in the agent's own token, which needs no permission. */
  readonly accountUid?: string | undefined;
  /** A hash of the API server's CA. Clusters may share a CA. */
  readonly ca?: string | undefined;
}

/** `unsure`: nothing that both have proves it, or only the CA does. */
export type SamePlace = "same" | "other" | "unsure";

/** Whether two places are one: the strongest identity that both have decides. Pure. */
export function comparePlaces(one: Place, other: Place): SamePlace {
  if (one.namespaceUid !== undefined && other.namespaceUid !== undefined)
    return one.namespaceUid === other.namespaceUid ? "same" : "other";
  if (one.namespace !== other.namespace) return "other";
  if (one.clusterUid !== undefined && other.clusterUid !== undefined)
    return one.clusterUid === other.clusterUid ? "same" : "other";
  // Agents in one namespace may have different ServiceAccounts: unequal ones tell nothing.
  if (one.accountUid !== undefined && one.accountUid === other.accountUid) return "same";
  return one.ca !== undefined && other.ca !== undefined && one.ca !== other.ca ? "other" : "unsure";
}
