// Where Prefect 2 and 3 are: their variables over the active profile.

import { describe, expect, it } from "vitest";
import { loadPrefect3Settings } from "../../src/prefect3/settings.ts";

const PROFILES = `
active = "work"

[profiles.work]
PREFECT_API_URL = "https://prefect.example/api"
PREFECT_API_KEY = "pnu_work"

[profiles.laptop]
PREFECT_API_URL = "http://127.0.0.1:4200/api"
PREFECT_API_AUTH_STRING = "admin:pass"

[profiles.empty]
`;

const AT_HOME = "/home/user/.prefect/profiles.toml";

function loaded(env: Record<string, string>, files: Record<string, string> = { [AT_HOME]: PROFILES }) {
  return loadPrefect3Settings({ env: { HOME: "/home/user", ...env }, readFile: (path) => files[path] });
}

describe("loadPrefect3Settings", () => {
  it("takes the active profile, and says from where", () => {
    expect(loaded({})).toEqual({
      url: {
        value: "https://prefect.example/api",
        source: "profiles.toml [profiles.work] PREFECT_API_URL",
      },
      apiKey: { value: "pnu_work", source: "profiles.toml [profiles.work] PREFECT_API_KEY" },
      authString: undefined,
    });
  });

  it("takes the profile that PREFECT_PROFILE names", () => {
    const found = loaded({ PREFECT_PROFILE: "laptop" });
    expect([found?.url.value, found?.authString?.value, found?.apiKey]).toEqual([
      "http://127.0.0.1:4200/api",
      "admin:pass",
      undefined,
    ]);
  });

  it("lets each variable win over the profile", () => {
    const found = loaded({ PREFECT_API_URL: "http://other/api" });
    expect(found).toMatchObject({
      url: { value: "http://other/api", source: "PREFECT_API_URL variable" },
      apiKey: { value: "pnu_work" },
    });
  });

  it.each([
    { given: "PREFECT_HOME", env: { PREFECT_HOME: "/data" }, path: "/data/profiles.toml" },
    { given: "PREFECT_PROFILES_PATH", env: { PREFECT_PROFILES_PATH: "~/p.toml" }, path: "/home/user/p.toml" },
  ])("reads the file where $given says it is", ({ env, path }) => {
    expect(loaded(env, { [path]: PROFILES })?.apiKey?.value).toBe("pnu_work");
    expect(loaded(env)).toBeUndefined();
  });

  it.each([
    { given: "there is no file", env: {}, files: {} },
    { given: "the profile names no API", env: { PREFECT_PROFILE: "empty" }, files: { [AT_HOME]: PROFILES } },
    { given: "the active profile is not there", env: {}, files: { [AT_HOME]: 'active = "gone"' } },
  ])("knows of no API where $given", ({ env, files }) => {
    expect(loaded(env, files as Record<string, string>)).toBeUndefined();
  });

  it("refuses a PREFECT_PROFILE that the file does not have, and says which there are", () => {
    expect(() => loaded({ PREFECT_PROFILE: "wrok" })).toThrow(
      expect.objectContaining({ exitCode: 2, hint: "use one of empty, laptop, work" }),
    );
  });

  it("says where a file is no TOML, without its text", () => {
    const files = { [AT_HOME]: '[profiles.a]\nPREFECT_API_KEY = "pnu_secret' };
    expect(() => loaded({}, files)).toThrow(/line 2/);
    expect(() => loaded({}, files)).not.toThrow(/pnu_secret/);
  });
});
