import { describe, expect, it } from "vitest";
import { SettingsError } from "../../src/base/errors.ts";
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
  it("uses the active profile, and returns the sources", () => {
    expect(loaded({})).toEqual({
      url: "https://prefect.example/api",
      apiKey: "pnu_work",
      sources: {
        url: "profiles.toml [profiles.work] PREFECT_API_URL",
        key: "profiles.toml [profiles.work] PREFECT_API_KEY",
      },
    });
  });

  it("uses the profile in PREFECT_PROFILE", () => {
    const found = loaded({ PREFECT_PROFILE: "laptop" });
    expect([found?.url, found?.authString, found?.apiKey]).toEqual([
      "http://127.0.0.1:4200/api",
      "admin:pass",
      undefined,
    ]);
  });

  it("prefers each variable to the profile", () => {
    const found = loaded({ PREFECT_API_URL: "http://other/api" });
    expect(found).toMatchObject({
      url: "http://other/api",
      apiKey: "pnu_work",
      sources: { url: "PREFECT_API_URL variable" },
    });
  });

  it.each([
    { file: ".env", text: "prefect_api_url=http://here/api\n" },
    { file: "prefect.toml", text: '[api]\nurl = "http://here/api"\n' },
    { file: "pyproject.toml", text: '[tool.prefect.api]\nurl = "http://here/api"\n' },
  ])("prefers $file of the current folder to the profile, as Prefect does", ({ file, text }) => {
    const files = { [AT_HOME]: PROFILES, [file]: text };
    expect(loaded({}, files)).toMatchObject({
      url: "http://here/api",
      apiKey: "pnu_work",
      sources: { url: `${file} PREFECT_API_URL` },
    });
    expect(loaded({ PREFECT_API_URL: "http://other/api" }, files)?.url).toBe("http://other/api");
  });

  it("does not mind a broken pyproject.toml without Prefect's settings", () => {
    const files = { [AT_HOME]: PROFILES, "pyproject.toml": "[project\n" };
    expect(loaded({}, files)?.apiKey).toBe("pnu_work");
  });

  it("does not mind a .env that is a virtual environment's folder", () => {
    const readFile = (path: string): string | undefined => {
      if (path === ".env") throw new SettingsError(`cannot read "${path}": it is a directory`);
      return path === AT_HOME ? PROFILES : undefined;
    };
    expect(loadPrefect3Settings({ env: { HOME: "/home/user" }, readFile })?.apiKey).toBe("pnu_work");
  });

  it("takes no white space for a part of a key: a mounted Secret may end with a line break", () => {
    expect(loaded({ PREFECT_API_KEY: "pnu_mounted\n" })?.apiKey).toBe("pnu_mounted");
  });

  it.each([
    { variable: "PREFECT_HOME", env: { PREFECT_HOME: "/data" }, path: "/data/profiles.toml" },
    {
      variable: "PREFECT_PROFILES_PATH",
      env: { PREFECT_PROFILES_PATH: "~/p.toml" },
      path: "/home/user/p.toml",
    },
  ])("reads the file in $variable", ({ env, path }) => {
    expect(loaded(env, { [path]: PROFILES })?.apiKey).toBe("pnu_work");
    expect(loaded(env)).toBeUndefined();
  });

  it.each([
    { when: "there is no file", env: {}, files: {} },
    {
      when: "Prefect's own profile is chosen that has no API URL",
      env: { PREFECT_PROFILE: "ephemeral" },
      files: { [AT_HOME]: PROFILES },
    },
    { when: "the profile has no API URL", env: { PREFECT_PROFILE: "empty" }, files: { [AT_HOME]: PROFILES } },
    { when: "the active profile does not exist", env: {}, files: { [AT_HOME]: 'active = "gone"' } },
  ])("returns undefined if $when", ({ env, files }) => {
    expect(loaded(env, files as Record<string, string>)).toBeUndefined();
  });

  it.each([
    { name: "by PREFECT_PROFILE without a file", env: { PREFECT_PROFILE: "local" }, file: undefined },
    { name: "by PREFECT_PROFILE beside a file", env: { PREFECT_PROFILE: "local" }, file: PROFILES },
    { name: "as the file's active one", env: {}, file: 'active = "local"' },
    {
      name: "under the file's settings",
      env: {},
      file: 'active = "local"\n[profiles.local]\nPREFECT_API_KEY = "k"',
    },
  ])("knows Prefect's own profile local: $name", ({ env, file }) => {
    expect(loaded(env, file === undefined ? {} : { [AT_HOME]: file })).toMatchObject({
      url: "http://127.0.0.1:4200/api",
      sources: { url: "Prefect's own profile local PREFECT_API_URL" },
    });
  });

  it("prefers the file's settings to those of Prefect's own profile", () => {
    const file = 'active = "local"\n[profiles.local]\nPREFECT_API_URL = "http://other/api"';
    expect(loaded({}, { [AT_HOME]: file })?.url).toBe("http://other/api");
  });

  it("refuses an unknown PREFECT_PROFILE, and lists the profiles", () => {
    expect(() => loaded({ PREFECT_PROFILE: "wrok" })).toThrow(
      expect.objectContaining({
        exitCode: 2,
        hint: "use one of cloud, empty, ephemeral, laptop, local, test, work",
      }),
    );
  });

  it("reports the line of invalid TOML, without its text", () => {
    const files = { [AT_HOME]: '[profiles.a]\nPREFECT_API_KEY = "pnu_secret' };
    expect(() => loaded({}, files)).toThrow(/line 2/);
    expect(() => loaded({}, files)).not.toThrow(/pnu_secret/);
  });
});
