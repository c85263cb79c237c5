// Configuration: whether it can be read; the values that are used, and the file, variable or option of each. No keys.

import { redactUrl } from "../../base/redact-url.ts";
import { DEFAULT_SOURCE, type Sourced } from "../../base/sourced.ts";
import { checkOf } from "../finding.ts";

const { check, broken, ok } = checkOf({ section: "configuration", check: "configuration" });

/** One finding with all values; one for each configuration that cannot be read. */
export const configuration = check(({ target: { config, prefect3 } }) => {
  const unreadable = [config, prefect3].flatMap((each) => {
    if (each.ok) return [];
    const { message, hint = "correct the value in that file or variable" } = each.error;
    return [broken(message, { hint })];
  });
  if (!config.ok) return unreadable;
  const { apiUrl, backend, apiKey, tenantId, agent, files } = config.value;
  const settings3 = prefect3.value;
  const details = Object.entries({
    API: apiUrl,
    backend,
    "API key": apiKey && { ...apiKey, value: "set" },
    tenant: tenantId,
    "agent's labels": { ...agent.labels, value: agent.labels.value.join(", ") },
    "Prefect 2/3 API": settings3 && { value: settings3.url, source: settings3.sources.url },
    "Prefect 2/3 key": settings3?.sources.key && { value: "set", source: settings3.sources.key },
  }).flatMap(([name, setting]) =>
    setting && setting.value !== "" ? [`${name} ${withSource(setting)}`] : [],
  );
  const message = files.length === 0 ? "no configuration files" : `read ${files.join(", ")}`;
  return [...unreadable, ok(message, { details })];
});

function withSource({ value, source }: Sourced<string>): string {
  return `${redactUrl(value)} (${source === DEFAULT_SOURCE ? "by default" : source})`;
}
