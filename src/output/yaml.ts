// YAML as kubectl writes it: block style, sequences not indented, long lines left whole, quotes only where needed.

import { Document, Scalar, visit } from "yaml";
import { isObject } from "../base/json.ts";
import { sortedEntries } from "./canonical-json.ts";

/** A YAML document with keys in the order in which the value has them, for manifests that people read. */
export function toYaml(value: unknown): string {
  return stringified(value);
}

/** A YAML document with keys in alphabetical order at every level, as `kubectl get -o yaml`. */
export function toSortedYaml(value: unknown): string {
  return stringified(sorted(value));
}

/** Several documents as one stream, for `kubectl apply -f -`. */
export function toYamlStream(documents: readonly unknown[]): string {
  return documents.map(toYaml).join("---\n");
}

// Text that a YAML 1.1 reader, as Kubernetes has one, takes for something else; go-yaml quotes it with ".
const RESOLVES =
  /^(?:~|<<|---|\.\.\.|null|true|false|yes|no|on|off|y|n|[-+]?\.(?:inf|nan)|[-+]?(?:\d[\d_]*\.?[\d_]*|\.[\d_]+)(?:e[-+]?\d+)?|[-+]?0[xbo][\da-f_]+|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.\d*)?|\d{4}-\d\d?-\d\d?(?:[Tt ].*)?)$/i;
// What go-yaml does not accept as it is, or takes for a line break.
const UNREADABLE = /[\u007F-\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF]/g;
const NOT_IN_ONE_LINE = /[\p{Cc}\u2028\u2029\uFEFF\uFFFE\uFFFF]/u;
// Tabs may stand in a block, but not where go-yaml looks for the indentation.
const UNFIT_FOR_BLOCK = /[^\P{Cc}\n\t]|[\u2028\u2029\uFEFF\uFFFE\uFFFF]|^ *\t/mu;

function stringified(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === "string") chooseStyle(node, node.value);
    },
  });
  // Text with such a character stands in double quotes by now, where the escape means the same.
  return document
    .toString({ lineWidth: 0, indentSeq: false, singleQuote: true })
    .replaceAll(UNREADABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function chooseStyle(node: Scalar, text: string): void {
  const isBlock = text.includes("\n") && /\S/.test(text) && !UNFIT_FOR_BLOCK.test(text);
  if (isBlock) node.type = Scalar.BLOCK_LITERAL;
  else if (text === "" || RESOLVES.test(text) || NOT_IN_ONE_LINE.test(text)) node.type = Scalar.QUOTE_DOUBLE;
}

/** As Maps, since an object would put keys that look like numbers first. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value) || value instanceof Date) return value;
  return new Map(sortedEntries(value).map(([key, field]) => [key, sorted(field)]));
}
