// The settings of Prefect 2 and 3, in Prefect's order: environment variables, the files of the current folder (.env, prefect.toml,
// pyproject.toml), and the active profile in profiles.toml.

import { expandVariables, type SettingsDeps } from "../base/env.ts";
import type { Sourced } from "../base/sourced.ts";
import { basename, join } from "node:path";
import { parseEnv } from "node:util";
import { SettingsError } from "../base/errors.ts";
import { isObject, jsonIn, objectIn, textIn, type JsonObject } from "../base/json.ts";
import { readToml } from "../base/toml.ts";

/** How to reach an API. */
export interface Prefect3Target {
  /** PREFECT_API_URL: ends with `/api`, or with an account and a workspace in Prefect Cloud. */
  readonly url: string;
  /** PREFECT_UI_URL. */
  readonly uiUrl?: string | undefined;
  /** PREFECT_CLOUD_UI_URL. */
  readonly cloudUiUrl?: string | undefined;
  /** PREFECT_API_KEY, sent as a Bearer token if there is no auth string. */
  readonly apiKey?: string | undefined;
  /** PREFECT_API_AUTH_STRING (`user:password` of a self-hosted server), sent as basic authentication. */
  readonly authString?: string | undefined;
  /** PREFECT_API_SSL_CERT_FILE: a file with certificate authorities. */
  readonly certFile?: string | undefined;
  /** PREFECT_API_TLS_INSECURE_SKIP_VERIFY. */
  readonly skipVerify?: boolean | undefined;
  /** PREFECT_CLIENT_CUSTOM_HEADERS, sent with every request; they win over the others. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface Prefect3Settings extends Prefect3Target {
  /** Where the address, and the key or the auth string, come from. */
  readonly sources: { readonly url: string; readonly key: string | undefined };
}

/** Prefect's own profiles (src/prefect/settings/profiles.toml), as far as their settings are read here. */
const BUILT_IN: Readonly<Record<string, JsonObject>> = {
  ephemeral: {},
  local: { PREFECT_API_URL: "http://127.0.0.1:4200/api" },
  test: {},
  cloud: {},
};

/**
 * Undefined without PREFECT_API_URL. As in Prefect, each variable overrides the profile's setting of the same name.
 * Throws SettingsError for invalid TOML, an unknown PREFECT_PROFILE, and values that cannot be read.
 */
export function loadPrefect3Settings(deps: SettingsDeps): Prefect3Settings | undefined {
  const profiles = [...projectFiles(deps.readFile), ...activeProfiles(deps)];
  const setting = (name: string): Sourced<string> | undefined => {
    const variable = deps.env[name] ?? "";
    // A mounted Secret may end with a line break, which no header can have.
    if (variable !== "") return { value: variable.trim(), source: `${name} variable` };
    return profiles.flatMap(({ value: settings, source }) => {
      const found = settings[name] ?? "";
      const value = (textIn(found) ?? JSON.stringify(found)).trim();
      return value === "" ? [] : [{ value, source: `${source} ${name}` }];
    })[0];
  };
  const url = setting("PREFECT_API_URL");
  if (url === undefined) return undefined;
  const apiKey = setting("PREFECT_API_KEY");
  const authString = setting("PREFECT_API_AUTH_STRING");
  const certFile = setting("PREFECT_API_SSL_CERT_FILE")?.value;
  const headers = headersIn(setting("PREFECT_CLIENT_CUSTOM_HEADERS"));
  const [, password] = /^[^:]*:(.*)$/s.exec(authString?.value ?? "") ?? [];
  deps.secrets?.add(apiKey?.value, authString?.value, password, ...Object.values(headers ?? {}));
  deps.secrets?.addUrl(url.value);
  return {
    url: url.value,
    uiUrl: setting("PREFECT_UI_URL")?.value,
    cloudUiUrl: setting("PREFECT_CLOUD_UI_URL")?.value,
    apiKey: apiKey?.value,
    authString: authString?.value,
    certFile: certFile && expandVariables(certFile, deps.env),
    skipVerify: switchIn(setting("PREFECT_API_TLS_INSECURE_SKIP_VERIFY")),
    headers,
    sources: { url: url.source, key: (apiKey ?? authString)?.source },
  };
}

/** The words that pydantic reads. */
function switchIn(setting: Sourced<string> | undefined): boolean | undefined {
  if (setting === undefined) return undefined;
  const { value, source } = setting;
  const word = value.trim().toLowerCase();
  if (["true", "1", "yes", "on", "t", "y"].includes(word)) return true;
  if (["false", "0", "no", "off", "f", "n"].includes(word)) return false;
  throw new SettingsError(`cannot read ${source}: neither true nor false`, { hint: "write true or false" });
}

/** The values can be keys, so no error repeats them. As in Prefect, they do not replace the User-Agent. */
function headersIn(setting: Sourced<string> | undefined): Prefect3Target["headers"] {
  if (setting === undefined) return undefined;
  const { value, source } = setting;
  const parsed = jsonIn(value);
  if (!isObject(parsed) || !Object.values(parsed).every((header) => typeof header === "string")) {
    throw new SettingsError(`cannot read ${source}: not a JSON object of texts`, {
      hint: 'write it like {"X-Header": "value"}',
    });
  }
  const entries = Object.entries(parsed as Record<string, string>);
  return Object.fromEntries(entries.filter(([name]) => !/^(?:user-agent|prefect-csrf-.*)$/i.test(name)));
}

/** Where prefect.toml has the settings that are read here (prefect.settings.models). */
const IN_TOML = {
  PREFECT_API_URL: ["api", "url"],
  PREFECT_API_KEY: ["api", "key"],
  PREFECT_API_AUTH_STRING: ["api", "auth_string"],
  PREFECT_API_SSL_CERT_FILE: ["api", "ssl_cert_file"],
  PREFECT_API_TLS_INSECURE_SKIP_VERIFY: ["api", "tls_insecure_skip_verify"],
  PREFECT_CLIENT_CUSTOM_HEADERS: ["client", "custom_headers"],
  PREFECT_CLOUD_UI_URL: ["cloud", "ui_url"],
} as const;

/** The files of the current folder. */
function projectFiles(readFile: SettingsDeps["readFile"]): readonly Sourced<JsonObject>[] {
  const dotenv = Object.entries(parseEnv(readable(".env", readFile) ?? ""));
  const inToml = (settings: JsonObject): JsonObject => {
    const found = Object.entries(IN_TOML).map(([name, [section, key]]) => [
      name,
      objectIn(settings[section])[key],
    ]);
    return { ...Object.fromEntries(found), PREFECT_UI_URL: settings["ui_url"] };
  };
  const text = readable("pyproject.toml", readFile);
  // That of another tool may be broken, and is no concern of this one.
  const isOurs = text?.includes("tool.prefect") === true;
  const project = isOurs ? readToml("pyproject.toml", () => text) : undefined;
  return [
    { value: Object.fromEntries(dotenv.map(([name, value]) => [name.toUpperCase(), value])), source: ".env" },
    { value: inToml(readToml("prefect.toml", readFile) ?? {}), source: "prefect.toml" },
    { value: inToml(objectIn(objectIn(project?.["tool"])["prefect"])), source: "pyproject.toml" },
  ];
}

/** The text of a file that many tools have; none if it cannot be read: `.env` may be the folder of a virtual environment. */
function readable(path: string, readFile: SettingsDeps["readFile"]): string | undefined {
  try {
    return readFile(path);
  } catch {
    return undefined;
  }
}

/** The settings of the active profile of the file, and of Prefect's own of the same name, which the file's settings override. */
function activeProfiles({ env, readFile }: SettingsDeps): readonly Sourced<JsonObject>[] {
  const home = expandVariables(env["PREFECT_HOME"] || "~/.prefect", env);
  const named = env["PREFECT_PROFILES_PATH"];
  const path = named ? expandVariables(named, env) : join(home, "profiles.toml");
  const file = readToml(path, readFile);
  const chosen = env["PREFECT_PROFILE"] ?? "";
  const name = chosen === "" ? (textIn(file?.["active"]) ?? "") : chosen;
  const inFile = objectIn(file?.["profiles"]);
  const sources = [
    [inFile, `${basename(path)} [profiles.${name}]`],
    [BUILT_IN, `Prefect's own profile ${name}`],
  ] as const;
  const found = sources.filter(([profiles]) => Object.hasOwn(profiles, name));
  // Like Prefect, ignore a missing profile that is only named in the file as active.
  if (found.length > 0 || chosen === "" || file === undefined)
    return found.map(([profiles, source]) => ({ value: objectIn(profiles[name]), source }));
  throw new SettingsError(`cannot use PREFECT_PROFILE "${chosen}": "${path}" has no such profile`, {
    hint: `use one of ${Object.keys({ ...BUILT_IN, ...inFile })
      .sort()
      .join(", ")}`,
  });
}
