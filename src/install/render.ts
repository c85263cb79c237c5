// Manifests as text: a YAML stream for `kubectl apply -f -`, or one List as JSON.

import { Document, visit } from "yaml";

/** Line breaks of other systems, byte order marks, and characters that YAML requires to be escaped. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]/u;

/**
 * The documents as YAML, each preceded by `---`, or as one List object in JSON; ends with a line feed. kubectl still
 * reads YAML 1.1, so text such as `yes` or `012`, which is no string there, is quoted.
 */
export function renderManifests(docs: readonly object[], format: "yaml" | "json"): string {
  if (format === "json") {
    return `${JSON.stringify({ apiVersion: "v1", kind: "List", items: docs }, null, 4)}\n`;
  }
  return docs.map((doc) => `---\n${yamlOf(doc)}`).join("");
}

function yamlOf(value: object): string {
  const doc = new Document(value, { compat: "yaml-1.1", aliasDuplicateObjects: false });
  visit(doc, {
    Scalar(_, scalar) {
      if (typeof scalar.value === "string" && UNSAFE.test(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
  });
  const text = doc.toString({ lineWidth: 0, indentSeq: false });
  return text.replaceAll(new RegExp(UNSAFE, "gu"), escaped);
}

/** The escape sequence, which is valid only between double quotes. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
