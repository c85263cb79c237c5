// Configuration: which values hold, and which file, variable or option each comes from. Keys are never shown.

import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import type { Sourced } from "../../base/sourced.ts";
import { basename, dirname } from "node:path";
import type { ExpectedError } from "../../base/errors.ts";
import type { ConfigFile, PrefectConfig } from "../../prefect1/config/load.ts";
import type { Prefect3Settings } from "../../prefect3/settings.ts";
import type { Answer } from "../answer.ts";
import type { Finding } from "../finding.ts";

const SECTION = "configuration";

/** What `agent start` would work with, each value with its source. */
export interface Settings {
  readonly labels: Sourced<readonly string[]>;
  readonly serviceAccountName: Sourced<string> | undefined;
  readonly imagePullSecrets: Sourced<readonly string[]> | undefined;
}

/** Everything that configures the Prefect 1 side. */
export function configurationFindings(config: Answer<PrefectConfig>, settings: Settings): readonly Finding[] {
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

/** The API of Prefect 2 and 3, where one is named. */
export function restConfigurationFindings(rest: Answer<Prefect3Settings | undefined>): readonly Finding[] {
  if (!rest.ok) return [unreadable("Prefect 2 and 3", rest.error)];
  if (rest.value === undefined) return [];
  const { url, apiKey, authString } = rest.value;
  const secret = apiKey ?? authString;
  const shown =
    secret === undefined ? "no key" : `${apiKey === undefined ? "auth string" : "key"} from ${secret.source}`;
  return [
    {
      section: SECTION,
      check: "Prefect 2/3 API",
      status: "ok",
      message: `${withoutPassword(url.value)} (${url.source}), ${shown}`,
    },
  ];
}

/** An address as it may be shown: what stands before `@` can hold a password. */
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
    hint: hint ?? "correct the value where it stands",
  };
}

function filesText(files: readonly ConfigFile[]): string {
  const paths = (found: boolean): readonly string[] =>
    files.filter((file) => file.found === found).map(({ path }) => path);
  const [there, missing] = [paths(true), paths(false)];
  const read = there.length === 0 ? "none" : `read ${inFolders(there)}`;
  return missing.length === 0 ? read : `${read}; there is no ${inFolders(missing)}`;
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
  return { ...about, message: backend === "server" ? "none; a server of one's own needs none" : "none" };
}

function settingFindings({ labels, serviceAccountName, imagePullSecrets }: Settings): readonly Finding[] {
  const none = labels.value.length === 0;
  const list: Sourced<string> = { value: none ? "none" : labels.value.join(", "), source: labels.source };
  return [
    value("agent's labels", list),
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
