// The settings of Prefect 2 and 3: environment variables, then the active profile in profiles.toml. Project files (.env,
// prefect.toml, pyproject.toml) are not read: they belong to a project folder, not to the user.

import { expandVariables } from "../base/env.ts";
import type { Sourced } from "../base/sourced.ts";
import { basename, join } from "node:path";
import { SettingsError } from "../base/errors.ts";
import { objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import type { Env } from "../base/env.ts";
import type { ReadFile } from "../base/toml.ts";
import { readToml } from "../base/toml.ts";

export interface Prefect3Settings {
  /** PREFECT_API_URL. */
  readonly url: Sourced<string>;
  /** PREFECT_API_KEY. */
  readonly apiKey?: Sourced<string> | undefined;
  /** PREFECT_API_AUTH_STRING: `user:password` of a self-hosted server. */
  readonly authString?: Sourced<string> | undefined;
}

interface Profile {
  readonly settings: JsonObject;
  /** Such as `profiles.toml [profiles.work]`. */
  readonly source: string;
}

const NO_PROFILE: Profile = { settings: {}, source: "" };

/**
 * Undefined without PREFECT_API_URL. As in Prefect, each variable overrides the profile's setting of the same name.
 * Throws SettingsError for invalid TOML and for an unknown PREFECT_PROFILE.
 */
export function loadPrefect3Settings(deps: {
  readonly env: Env;
  readonly readFile: ReadFile;
}): Prefect3Settings | undefined {
  const profile = activeProfile(deps);
  const setting = (name: string): Sourced<string> | undefined => {
    const variable = deps.env[name] ?? "";
    if (variable !== "") return { value: variable, source: `${name} variable` };
    const value = textIn(profile.settings[name]) ?? "";
    return value === "" ? undefined : { value, source: `${profile.source} ${name}` };
  };
  const url = setting("PREFECT_API_URL");
  if (url === undefined) return undefined;
  return { url, apiKey: setting("PREFECT_API_KEY"), authString: setting("PREFECT_API_AUTH_STRING") };
}

function activeProfile({ env, readFile }: { readonly env: Env; readonly readFile: ReadFile }): Profile {
  const path = profilesPath(env);
  const file = readToml(path, readFile);
  if (file === undefined) return NO_PROFILE;
  const chosen = env["PREFECT_PROFILE"] ?? "";
  const name = chosen === "" ? (textIn(file["active"]) ?? "") : chosen;
  const profiles = objectIn(file["profiles"]);
  if (Object.hasOwn(profiles, name)) {
    return { settings: objectIn(profiles[name]), source: `${basename(path)} [profiles.${name}]` };
  }
  // Like Prefect, ignore a missing profile that is only named in the file as active.
  if (chosen === "") return NO_PROFILE;
  throw new SettingsError(`cannot use PREFECT_PROFILE "${chosen}": "${path}" has no such profile`, {
    hint: `use one of ${Object.keys(profiles).sort().join(", ")}`,
  });
}

function profilesPath(env: Env): string {
  const path = env["PREFECT_PROFILES_PATH"] ?? "";
  if (path !== "") return expandVariables(path, env);
  const home = env["PREFECT_HOME"] ?? "";
  return join(expandVariables(home === "" ? "~/.prefect" : home, env), "profiles.toml");
}
