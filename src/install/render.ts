// Manifests as text: a YAML stream for `kubectl apply -f -`, or one List as JSON.

import { objectText } from "../output/object-text.ts";

/** The documents as YAML, each preceded by `---`, or as one List object in JSON; ends with a line feed. */
export function renderManifests(docs: readonly object[], format: "yaml" | "json"): string {
  if (format === "json") return objectText({ apiVersion: "v1", kind: "List", items: docs }, "json");
  return docs.map((doc) => `---\n${objectText(doc, "yaml")}`).join("");
}
