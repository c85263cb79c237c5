// Job templates as YAML text, in the dialect that kubectl and Prefect read: YAML 1.1, so that `defaultMode: 0644` is
// octal; but y, n, 12:30 and dates stay the texts that people mean by them.

import { LineCounter, parseDocument } from "yaml";
import type { Tags } from "yaml";
import { textOf } from "../../base/errors.ts";

const BOOL = "tag:yaml.org,2002:bool";
const TIMESTAMP = "tag:yaml.org,2002:timestamp";
const YES = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const NO = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;

/** The value of a YAML document, or what is wrong with it and where. */
export type YamlReading = { readonly value: unknown } | { readonly problem: string };

/** Reads one document; several in one text are a problem. */
export function readYaml(text: string): YamlReading {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    version: "1.1",
    lineCounter,
    prettyErrors: false,
    // As Python reads it: of two equal keys the last one counts.
    uniqueKeys: false,
    customTags: kubernetesTags,
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return { problem: `${sentence(error.code, error.message)} at line ${line}, column ${col}` };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch (thrown) {
    // What only shows when aliases are followed: unknown ones, or too many.
    // The name of the alias is left out: the file may be anything.
    return { problem: `it is not YAML: ${textOf(thrown).replace(/: \S+$/, "")}` };
  }
}

function sentence(code: string, message: string): string {
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
