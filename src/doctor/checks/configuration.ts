// Configuration: the values that are used, and the file, variable or option of each. Keys are never shown.

import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import type { Sourced } from "../../base/sourced.ts";
import { basename, dirname } from "node:path";
import type { ExpectedError } from "../../base/errors.ts";
import type { ConfigFile, PrefectConfig } from "../../prefect1/config/load.ts";
import type { Prefect3Settings } from "../../prefect3/settings.ts";
import type { Answer } from "../answer.ts";
import type { Finding } from "../finding.ts";

const SECTION = "configuration";

/** What `agent start` would use, each value with its source. */
export interface SourcedSettings {
  readonly labels: Sourced<readonly string[]>;
  readonly serviceAccountName: Sourced<string> | undefined;
  readonly imagePullSecrets: Sourced<readonly string[]> | undefined;
}

/** The configuration for Prefect 1. */
export function prefect1ConfigurationFindings(
  config: Answer<PrefectConfig>,
  settings: SourcedSettings,
): readonly Finding[] {
  if (!config.ok) return [unreadable("Prefect 1", config.error)];
  const { files, apiUrl, backend, apiKey, tenantId } = config.value;
  return [
    { section: SECTION, check: "files", status: "ok", message: filesText(files) },
    value("API", { ...apiUrl, value: withoutPassword(apiUrl.value) }),
    value("backend", backend),
    keyFinding(apiKey, backend.value),
    ...(tenantId === undefined ? [] : [value("tenant", tenantId)]),
    ...settingFindings(settings),
  ];
}

/** The configuration for Prefect 2 and 3, if there is one. */
export function prefect3ConfigurationFindings(
  settings: Answer<Prefect3Settings | undefined>,
): readonly Finding[] {
  if (!settings.ok) return [unreadable("Prefect 2 and 3", settings.error)];
  if (settings.value === undefined) return [];
  const { url, apiKey, authString } = settings.value;
  const secret = apiKey ?? authString;
  const credentials =
    secret === undefined ? "no key" : `${apiKey === undefined ? "auth string" : "key"} from ${secret.source}`;
  return [
    {
      section: SECTION,
      check: "Prefect 2/3 API",
      status: "ok",
      message: `${withoutPassword(url.value)} (${url.source}), ${credentials}`,
    },
  ];
}

/** The address without user and password. */
export function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/[^/@]*@/, "//");
  const parsed = new URL(url);
  if (parsed.username === "" && parsed.password === "") return url;
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}

function unreadable(whose: string, { message, hint }: ExpectedError): Finding {
  return {
    section: SECTION,
    check: "files",
    status: "broken",
    message: `${whose}: ${message}`,
    hint: hint ?? "correct the value in that file or variable",
  };
}

function filesText(files: readonly ConfigFile[]): string {
  const paths = (isFound: boolean): readonly string[] =>
    files.filter((file) => file.found === isFound).map(({ path }) => path);
  const [found, missing] = [paths(true), paths(false)];
  const read = found.length === 0 ? "none" : `read ${inFolders(found)}`;
  return missing.length === 0 ? read : `${read}; not found: ${inFolders(missing)}`;
}

/** `/home/me/.prefect/config.toml`, or `config.toml, auth.toml in /home/me/.prefect`. */
function inFolders(paths: readonly string[]): string {
  const [only, second] = paths;
  if (only !== undefined && second === undefined) return only;
  const folders = [...Map.groupBy(paths, dirname)];
  return folders
    .map(([folder, each]) => `${each.map((path) => basename(path)).join(", ")} in ${folder}`)
    .join("; ");
}

function keyFinding(apiKey: Sourced<string> | undefined, backend: string): Finding {
  const about = { section: SECTION, check: "API key", status: "ok" } as const;
  if (apiKey !== undefined)
    return { ...about, message: `set (${apiKey.source})`, data: { source: apiKey.source } };
  return { ...about, message: backend === "server" ? "none; not needed for a self-hosted server" : "none" };
}

function settingFindings({
  labels,
  serviceAccountName,
  imagePullSecrets,
}: SourcedSettings): readonly Finding[] {
  const none = labels.value.length === 0;
  const labelList: Sourced<string> = {
    value: none ? "none" : labels.value.join(", "),
    source: labels.source,
  };
  return [
    value("agent's labels", labelList),
    ...(serviceAccountName === undefined ? [] : [value("service account", serviceAccountName)]),
    ...(imagePullSecrets === undefined
      ? []
      : [value("pull Secrets", { ...imagePullSecrets, value: imagePullSecrets.value.join(", ") })]),
  ];
}

function value(check: string, { value: shown, source }: Sourced<string>): Finding {
  const origin = source === DEFAULT_SOURCE ? "by default" : source;
  return {
    section: SECTION,
    check,
    status: "ok",
    message: `${shown} (${origin})`,
    data: { value: shown, source },
  };
}
