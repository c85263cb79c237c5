// A template's values as Kubernetes wants them: numbers and booleans as PyYAML 6 reads them, as in Prefect's own agent; where
// Kubernetes wants a text, the file's own spelling: `0123` in a label is not 83.

import { isObject } from "../../base/json.ts";
import { envText } from "./environment.ts";

/** A scalar without quotes, as it is written. */
export class Plain {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const TEXTS = new Set(["name", "value", "key", "image", "secretName", "claimName", "serviceAccountName"]);
/** Maps from texts to texts. */
const TEXT_MAPS = new Set(["labels", "annotations", "nodeSelector", "matchLabels"]);
const TEXT_LISTS = new Set(["command", "args", "values"]);
/** `values` of a podFailurePolicy are numbers. */
const EXIT_CODES = "onExitCodes";

const NULL = /^(?:~|null|Null|NULL|)$/;
const YES = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const NO = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER = /^[-+]?(?:0b[01_]+|0x[\da-fA-F_]+|0[0-7_]*|[1-9][\d_]*(?::[0-5]?\d)*)$/;
const FLOAT = /^(?:[-+]?\d[\d_]*(?::[0-5]?\d)*\.[\d_]*|\.\d[\d_]*)(?:[eE][-+]\d+)?$/;

/** A copy without Plain: of a value from YAML, or from JSON. Pure. */
export function kubernetesValues(value: unknown): unknown {
  return converted(value, "", false);
}

// oxlint-disable-next-line max-params -- the parent's key is needed for one field
function converted(value: unknown, key: string, wantsText: boolean, parent = ""): unknown {
  if (Array.isArray(value)) {
    const areTexts = TEXT_LISTS.has(key) && parent !== EXIT_CODES;
    return value.map((item) => converted(item, key, areTexts, parent));
  }
  if (value instanceof Plain) {
    if (NULL.test(value.text)) return null;
    return wantsText ? value.text : pythonValue(value.text);
  }
  if (!isObject(value)) return wantsText && value !== null ? envText(value) : value;
  const entries = Object.entries(value).map(([name, child]) => {
    const isText = TEXT_MAPS.has(key) || TEXTS.has(name);
    return [name, converted(child, name, isText, key)];
  });
  return Object.fromEntries(entries) as unknown;
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
