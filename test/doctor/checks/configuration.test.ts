import { describe, expect, it } from "vitest";
import { loadPrefectConfig } from "../../../src/prefect1/config/load.ts";
import {
  prefect1ConfigurationFindings,
  prefect3ConfigurationFindings,
} from "../../../src/doctor/checks/configuration.ts";
import { SettingsError } from "../../../src/base/errors.ts";
import { lines } from "../samples.ts";

const NO_OPTIONS = {
  labels: { value: [], source: "default" },
  serviceAccountName: undefined,
  imagePullSecrets: undefined,
};

function found(env: Record<string, string>, files: Record<string, string> = {}): string[] {
  const readFile = (path: string): string | undefined => files[path];
  const value = loadPrefectConfig({ env: { HOME: "/home/me", ...env }, readFile });
  return lines(prefect1ConfigurationFindings({ ok: true, value }, NO_OPTIONS));
}

describe("the configuration", () => {
  it("has a source for each value, and shows no key", () => {
    const files = {
      "/home/me/.prefect/backend.toml": 'backend = "server"\n',
      "/home/me/.prefect/config.toml": '[cloud]\napi_key = "s3cret"\n',
    };
    expect(found({ PREFECT__CLOUD__API: "http://me:pw@prefect:4200" }, files)).toEqual([
      "ok files: read config.toml, backend.toml in /home/me/.prefect; not found: /home/me/.prefect/auth.toml",
      "ok API: http://prefect:4200/ (PREFECT__CLOUD__API variable)",
      "ok backend: server (backend.toml backend)",
      "ok API key: set (config.toml [cloud] api_key)",
      "ok agent's labels: none (by default)",
    ]);
  });

  it("names each folder once", () => {
    const [files] = found({ PREFECT__USER_CONFIG_PATH: "/etc/prefect.toml" }, { "/etc/prefect.toml": "" });
    expect(files).toBe(
      "ok files: read /etc/prefect.toml; not found: backend.toml, auth.toml in /home/me/.prefect",
    );
  });

  it("that cannot be read is broken", () => {
    const error = new SettingsError("cannot read x: not a number");
    const [finding] = prefect1ConfigurationFindings({ ok: false, error }, NO_OPTIONS);
    expect(finding).toMatchObject({ status: "broken", message: "Prefect 1: cannot read x: not a number" });
    expect(finding?.hint).not.toBeUndefined();
    expect(prefect3ConfigurationFindings({ ok: false, error })[0]?.message).toContain("Prefect 2 and 3: ");
  });

  it("of Prefect 2 and 3 is shown if there is one", () => {
    const url = { value: "https://me:pw@prefect/api", source: "PREFECT_API_URL variable" };
    const authString = { value: "me:pw", source: "profiles.toml [profiles.work]" };
    expect(prefect3ConfigurationFindings({ ok: true, value: undefined })).toEqual([]);
    expect(lines(prefect3ConfigurationFindings({ ok: true, value: { url, authString } }))).toEqual([
      "ok Prefect 2/3 API: https://prefect/api (PREFECT_API_URL variable), auth string from profiles.toml [profiles.work]",
    ]);
  });
});
