// Objects for programs: -o json, and -o yaml as kubectl prints it: block style, sequences not indented, long lines not folded,
// quotes only where needed.

import { Document, Scalar, visit } from "yaml";

// Strings that a YAML 1.1 parser such as Kubernetes' reads as another type; go-yaml puts them in double quotes.
const OTHER_TYPE =
  /^(?:~|<<|=|---|\.\.\.|null|true|false|yes|no|on|off|y|n|[-+]?\.(?:inf|nan)|[-+]?(?:\d[\d_]*\.?[\d_]*|\.[\d_]+)(?:e[-+]?\d+)?|[-+]?0[xbo][\da-f_]+|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.\d*)?|\d{4}-\d\d?-\d\d?(?:[Tt ].*)?)$/i;
// Characters that go-yaml rejects unescaped, or reads as a line break, or that a terminal does not show.
const HIDDEN = String.raw`[[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\uFFFE\uFFFF]--[\uFE0E\uFE0F]]`;
const MUST_ESCAPE = new RegExp(String.raw`[\u007F-\u009F]|${HIDDEN}`, "gv");
const MUST_QUOTE = new RegExp(String.raw`\p{Cc}|${HIDDEN}`, "v");
// Tabs are allowed in a block, but not where go-yaml expects the indentation.
const NOT_IN_BLOCK = new RegExp(String.raw`[\p{Cc}--[\n\t]]|${HIDDEN}|^ *\t`, "mv");

const STYLE = { lineWidth: 0, indentSeq: false, singleQuote: true };

/** The object with a line break at the end; keys stay in their order. */
export function objectText(value: unknown, format: "json" | "yaml"): string {
  if (format === "json") return `${JSON.stringify(value, null, 4).replaceAll(MUST_ESCAPE, jsonEscape)}\n`;
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === "string") chooseStyle(node, node.value);
    },
  });
  // Strings with such characters are in double quotes.
  return (
    document
      // Never over several lines: what follows on the first one must be a comment.
      .toString({ ...STYLE, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
      .replaceAll(MUST_ESCAPE, yamlEscape)
  );
}

function jsonEscape(char: string): string {
  const codes = char.split("").map((unit) => unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return codes.map((code) => `\\u${code}`).join("");
}

function yamlEscape(char: string): string {
  const hex = char.codePointAt(0)?.toString(16) ?? "";
  return hex.length > 4 ? `\\U${hex.padStart(8, "0")}` : jsonEscape(char);
}

function chooseStyle(node: Scalar, text: string): void {
  const isBlock = text.includes("\n") && /\S/.test(text) && !NOT_IN_BLOCK.test(text);
  if (isBlock) node.type = Scalar.BLOCK_LITERAL;
  else if (text === "" || OTHER_TYPE.test(text) || MUST_QUOTE.test(text)) node.type = Scalar.QUOTE_DOUBLE;
}
