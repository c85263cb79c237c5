// Where Prefect 2 and 3 are, as their own client finds it: their variables, and below these the active profile of
// profiles.toml. What else they read (.env, prefect.toml and pyproject.toml of a project) belongs to a folder, not to a person.

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
  /** PREFECT_API_AUTH_STRING: `user:password` of a server of one's own. */
  readonly authString?: Sourced<string> | undefined;
}

interface Profile {
  readonly settings: JsonObject;
  /** For people: `profiles.toml [profiles.work]`. */
  readonly source: string;
}

const NO_PROFILE: Profile = { settings: {}, source: "" };

/**
 * The API of Prefect 2 and 3; undefined where none is named. Each variable wins over the profile by itself, as in
 * Prefect. Throws SettingsError for a file that is no TOML, and for a PREFECT_PROFILE that it does not have.
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
  // Prefect, too, does without a profile that is merely marked active.
  if (chosen === "") return NO_PROFILE;
  throw new SettingsError(`cannot use PREFECT_PROFILE "${chosen}": "${path}" has no such profile`, {
    hint: `use one of ${Object.keys(profiles).sort().join(", ")}`,
  });
}

function profilesPath(env: Env): string {
  const given = env["PREFECT_PROFILES_PATH"] ?? "";
  if (given !== "") return expandVariables(given, env);
  const home = env["PREFECT_HOME"] ?? "";
  return join(expandVariables(home === "" ? "~/.prefect" : home, env), "profiles.toml");
}
