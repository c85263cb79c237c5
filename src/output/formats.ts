// The output formats of -o.

import { SettingsError } from "../base/errors.ts";

export const LIST_FORMATS = ["table", "wide", "json", "yaml", "name"] as const;
export type ListFormat = (typeof LIST_FORMATS)[number];

/** kubectl's template formats. */
const TEMPLATES =
  /^(?:jsonpath|jsonpath-as-json|jsonpath-file|custom-columns|custom-columns-file|go-template|go-template-file|template|templatefile)(?:=|$)/i;

/** Parses -o, ignoring case; the default is the first format. Throws SettingsError for an unknown format. */
export function parseOutputFormat<Format extends string>(
  text: string | undefined,
  formats: readonly [Format, ...Format[]],
): Format {
  const format = text === undefined || text === "" ? formats[0] : text.toLowerCase();
  const known = formats.find((each) => each === format);
  if (known !== undefined) return known;
  if (TEMPLATES.test(format)) {
    throw new SettingsError(`cannot read -o "${text}": templates are not supported`, {
      hint: "use -o json and jq, or kubectl itself: kubectl get jobs -l prefect.io/flow_run_id -o jsonpath=...",
    });
  }
  throw new SettingsError(`cannot read -o "${text}": unknown output format`, {
    hint: `use -o ${formats.slice(0, -1).join(", ")} or ${formats.at(-1) ?? ""}`,
  });
}
