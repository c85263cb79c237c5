// Parses job templates as YAML 1.1, like kubectl and Prefect, so that `defaultMode: 0644` is octal; but y, n, 12:30 and
// dates stay strings.

import { LineCounter, parseDocument } from "yaml";
import type { Tags } from "yaml";
import { textOf } from "../../base/errors.ts";

const BOOL = "tag:yaml.org,2002:bool";
const TIMESTAMP = "tag:yaml.org,2002:timestamp";
const YES = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const NO = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;

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
    customTags: kubernetesTags,
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return { problem: `${problemText(error.code, error.message)} at line ${line}, column ${col}` };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch (thrown) {
    // Unknown or too many aliases. Without the alias's name, since the file can be anything.
    return { problem: `it is not YAML: ${textOf(thrown).replace(/: \S+$/, "")}` };
  }
}

function problemText(code: string, message: string): string {
  return code === "MULTIPLE_DOCS" ? "it holds a second document" : `it is not YAML: ${message}`;
}

function kubernetesTags(tags: Tags): Tags {
  const kept: Tags = [];
  for (const tag of tags) {
    if (typeof tag === "string" || tag.collection !== undefined) kept.push(tag);
    else if (tag.tag === BOOL) kept.push({ ...tag, test: tag.test?.test("yes") ? YES : NO });
    else if (tag.tag !== TIMESTAMP && tag.format !== "TIME") kept.push(tag);
  }
  return kept;
}
