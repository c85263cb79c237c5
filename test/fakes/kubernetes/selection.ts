// Which objects of a collection a request is about: its namespace and its selectors.

import type { KubeObject } from "./kube-object.ts";
import { fieldPredicate, labelPredicate } from "./selectors.ts";
import type { Target } from "./target.ts";

/** A compiled selection. */
export interface Selection {
  readonly matches: (object: KubeObject) => boolean;
  /** The selectors as given; `|` when there are none. */
  readonly text: string;
}

/** The selection of a request. Throws a 400 Failure when a selector cannot be read. */
export function selectionOf({ type, namespace, query }: Target): Selection {
  const labels = query.get("labelSelector") ?? "";
  const fields = query.get("fieldSelector") ?? "";
  const tests = [labelPredicate(labels), fieldPredicate(fields, type)].filter((test) => test !== undefined);
  return {
    matches: (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      tests.every((test) => test(object)),
    text: `${labels}|${fields}`,
  };
}
