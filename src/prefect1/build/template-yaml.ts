// Parses job templates as YAML 1.1, like kubectl and Prefect. Plain scalars stay as they are written: what they mean depends on
// where they stand (template-values.ts).

import { LineCounter, parseDocument, Scalar, visit } from "yaml";
import type { Tags } from "yaml";
import { textOf } from "../../base/errors.ts";
import { Plain, pythonValue } from "./template-values.ts";

const KEPT = /:(?:str|binary|merge)$/;
const EXPLICIT = /:(?:int|float|bool|null)$/;

export type YamlReading = { readonly value: unknown } | { readonly problem: string };

/** Accepts exactly one document. */
export function readYaml(text: string): YamlReading {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    version: "1.1",
    lineCounter,
    prettyErrors: false,
    // As in Python, the last of several equal keys wins.
    uniqueKeys: false,
    customTags: withoutScalars,
    logLevel: "error",
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return { problem: `${problemText(error.code, error.message)} at line ${line}, column ${col}` };
  }
  visit(document, {
    Scalar: (place, node) => {
      if (place === "key") return;
      if (EXPLICIT.test(node.tag ?? "")) node.value = pythonValue(String(node.value));
      else if (node.type === Scalar.PLAIN && node.tag === undefined)
        node.value = new Plain(String(node.value));
    },
  });
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch (thrown) {
    // Unknown or too many aliases.
    return { problem: `it is not YAML: ${unquoted(textOf(thrown))}` };
  }
}

function problemText(code: string, message: string): string {
  return code === "MULTIPLE_DOCS" ? "it holds a second document" : `it is not YAML: ${unquoted(message)}`;
}

/** Without what it quotes of the file, which can be any. */
function unquoted(message: string): string {
  return message.replace(/:.*$/s, "");
}

function withoutScalars(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === "string" || tag.collection !== undefined || KEPT.test(tag.tag));
}
