// Job templates as YAML 1.1, like kubectl and Prefect read them, and their values as Kubernetes wants them: numbers and booleans as
// PyYAML 6 reads them, as in Prefect's own agent; where Kubernetes wants a text, the file's own spelling: `0123` in a label is not
// 83. So plain scalars first stay as they are written.

import { isObject } from "../../base/json.ts";
import { envText } from "./environment.ts";
import { TEXT_LISTS, TEXT_MAPS, TEXTS } from "./text-fields.ts";
import { Composer, Document, isCollection, LineCounter, Parser, Scalar, visit, type Tags } from "yaml";
import { textOf } from "../../base/errors.ts";

/** A scalar without quotes, as it is written. */
class Plain {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `values` of a podFailurePolicy, and of a container's restartPolicyRules, are numbers. */
const EXIT_CODES = ["onExitCodes", "exitCodes"];

const NULL = /^(?:~|null|Null|NULL|)$/;
const YES = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const NO = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER = /^[-+]?(?:0b[01_]+|0x[\da-fA-F_]+|0[0-7_]*|[1-9][\d_]*(?::[0-5]?\d)*)$/;
const FLOAT = /^(?:[-+]?\d[\d_]*(?::[0-5]?\d)*\.[\d_]*|\.\d[\d_]*)(?:[eE][-+]\d+)?$/;

/** A copy without Plain and without nulls: of a value from YAML, or from JSON. Pure. */
export function kubernetesValues(value: unknown): unknown {
  return converted(value, "", false);
}

// oxlint-disable-next-line max-params -- the parent's key is needed for one field
function converted(value: unknown, key: string, wantsText: boolean, parent = ""): unknown {
  if (Array.isArray(value)) {
    const areTexts = TEXT_LISTS.has(key) && !EXIT_CODES.includes(parent);
    return value.map((item) => converted(item, key, areTexts, parent)).filter((item) => item !== null);
  }
  if (value instanceof Plain) {
    if (NULL.test(value.text)) return null;
    return wantsText ? value.text : pythonValue(value.text);
  }
  // Of !!binary.
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (!isObject(value)) return wantsText && (value ?? null) !== null ? envText(value) : value;
  const entries = Object.entries(value).map(([name, child]) => {
    const isText = TEXT_MAPS.has(key) || TEXTS.has(name);
    return [name, converted(child, name, isText, key)] as const;
  });
  return Object.fromEntries(entries.filter(([, child]) => (child ?? null) !== null));
}

/** PyYAML's safe_load of a plain scalar; but infinities, which JSON cannot write, and dates stay texts. */
export function pythonValue(text: string): unknown {
  if (NULL.test(text)) return null;
  if (YES.test(text)) return true;
  if (NO.test(text)) return false;
  if (!INTEGER.test(text) && !FLOAT.test(text)) return text;
  const digits = text.replaceAll("_", "").replace(/^[-+]/, "");
  const sign = text.startsWith("-") ? -1 : 1;
  if (digits.includes(":")) return sign * digits.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const isOctal = INTEGER.test(text) && /^0\d/.test(digits);
  return sign * (isOctal ? Number.parseInt(digits, 8) : Number(digits));
}

const KEPT = /:(?:str|binary|merge)$/;
const EXPLICIT = /:(?:int|float|bool|null)$/;

export type YamlReading = { readonly value: unknown } | { readonly problem: string };

/** Accepts exactly one document. */
export function readYaml(text: string): YamlReading {
  const lineCounter = new LineCounter();
  const composer = new Composer({
    version: "1.1",
    lineCounter,
    prettyErrors: false,
    // As in Python, the last of several equal keys wins.
    uniqueKeys: false,
    customTags: withoutScalars,
    logLevel: "error",
  });
  const parser = lenientParser(lineCounter);
  // PyYAML reads 1.1 whatever the text says of itself.
  const undirected = text.replace(/^%YAML/m, "#YAML");
  const [document = new Document(null), second] = [
    ...composer.compose(parser.parse(undirected), true, text.length),
  ];
  // kubectl and Prefect read a comment right behind a quote or bracket.
  const error = document.errors.find(({ message }) => !message.startsWith("Comments must be separated"));
  const place = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `at line ${line}, column ${col}`;
  };
  if (error !== undefined)
    return { problem: `it is not YAML: ${unquoted(error.message)} ${place(error.pos[0])}` };
  if (second !== undefined) return { problem: `it holds a second document ${place(second.range[0])}` };
  let problem: string | undefined;
  visit(document, {
    Pair: (_, { key }) => {
      if (isCollection(key)) problem ??= `a key is not a text ${place(key.range?.[0] ?? 0)}`;
    },
    Scalar: (place, node) => {
      if (place === "key") return;
      if (EXPLICIT.test(node.tag ?? "")) node.value = pythonValue(String(node.value));
      else if (node.type === Scalar.PLAIN && node.tag === undefined)
        node.value = new Plain(String(node.value));
    },
  });
  // As `{{ x }}` in place of an object, which kubectl and Prefect refuse.
  if (problem !== undefined) return { problem };
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch (thrown) {
    // Unknown or too many aliases.
    return { problem: `it is not YAML: ${unquoted(textOf(thrown))}` };
  }
}

/** Quotes and brackets may go on at their key's own indentation: kubectl and Prefect read that, though YAML's rule is stricter. */
function lenientParser(lineCounter: LineCounter): Parser {
  const parser = new Parser(lineCounter.addNewLine);
  const lexer = parser["lexer"];
  for (const name of ["parseQuotedScalar", "parseFlowCollection"] as const) {
    const strict = lexer[name].bind(lexer);
    lexer[name] = function* () {
      const { indentNext } = lexer;
      lexer.indentNext = 0;
      try {
        return yield* strict();
      } finally {
        lexer.indentNext = indentNext;
      }
    };
  }
  return parser;
}

/** Without what it quotes of the file, which can be any. */
function unquoted(message: string): string {
  return message.replace(/:.*$/s, "");
}

function withoutScalars(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === "string" || tag.collection !== undefined || KEPT.test(tag.tag));
}
