import { mkdtempSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readFromDisk } from "../../../src/base/read-file.ts";
import { loadPrefectConfig } from "../../../src/prefect1/config/load.ts";
import { AUTH, BACKEND, CONFIG, HOME, load } from "./support.ts";

const TENANT = "0e9c1e4e-4a5a-4d0c-9f0e-7d5d6f1a0001";

describe("loadPrefectConfig", () => {
  it.each([
    { given: { env: { PREFECT__CLOUD: "x" } }, source: "PREFECT__CLOUD variable" },
    { given: { env: { PREFECT__SERVER: "x" } }, source: "PREFECT__SERVER variable" },
    { given: { files: { [CONFIG]: 'cloud = "x"\n' } }, source: "config.toml cloud" },
  ])("refuses a value in place of a section: $source", ({ given, source }) => {
    expect(() => load(given)).toThrow(new RegExp(`^cannot use ${source}: "\\w+" is a section, not a value$`));
  });

  it("has Prefect's defaults", () => {
    expect(load()).toEqual({
      backend: { value: "cloud", source: "default" },
      apiUrl: { value: "https://api.prefect.io", source: "default" },
      uiUrl: "https://cloud.prefect.io",
      requestTimeoutSeconds: 15,
      sendFlowRunLogs: true,
      loggingLevel: "INFO",
      agent: {
        name: "agent",
        labels: { value: [], source: "default" },
        level: "INFO",
        env: {},
      },
      variables: { deleteFinishedJobs: true, resources: {} },
      files: [],
    });
  });

  it.each([
    {
      title: "config.toml to the default",
      env: {},
      flags: {},
      files: { [CONFIG]: 'backend = "server"' },
      want: "config.toml backend",
    },
    {
      title: "backend.toml to config.toml",
      env: {},
      flags: {},
      files: { [CONFIG]: 'backend = "cloud"', [BACKEND]: 'backend = "server"' },
      want: "backend.toml backend",
    },
    {
      title: "the variable to backend.toml",
      env: { PREFECT__BACKEND: "server" },
      flags: {},
      files: { [BACKEND]: 'backend = "cloud"' },
      want: "PREFECT__BACKEND variable",
    },
    {
      title: "the flag to the variable",
      env: { PREFECT__BACKEND: "cloud" },
      flags: { backend: "server" },
      files: {},
      want: "--backend flag",
    },
  ])("prefers $title", ({ env, files, flags, want }) => {
    expect(load({ env, files, flags }).backend).toEqual({ value: "server", source: want });
  });

  it("reads debug logging from a config.toml that is mounted read-only from a ConfigMap", () => {
    const folder = mkdtempSync(join(tmpdir(), "prefect-config-"));
    try {
      const path = join(folder, "config.toml");
      writeFileSync(path, '[cloud.agent]\nlevel = "DEBUG"\n');
      chmodSync(path, 0o444);
      const env = { HOME: folder, PREFECT__USER_CONFIG_PATH: "$HOME/config.toml" };
      const { agent, loggingLevel } = loadPrefectConfig({ env, readFile: readFromDisk });
      expect(agent.level).toBe("DEBUG");
      expect(loggingLevel).toBe("INFO");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("throws for a file that cannot be read", () => {
    const env = { HOME, PREFECT__USER_CONFIG_PATH: tmpdir() };
    const read = (): unknown => loadPrefectConfig({ env, readFile: readFromDisk });
    expect(read).toThrow(`cannot read "${tmpdir()}": it is a directory`);
  });

  it.each([
    { file: CONFIG, env: {} },
    { file: "/etc/prefect.toml", env: { PREFECT__USER_CONFIG_PATH: "/etc/prefect.toml" } },
    { file: `${HOME}/b.toml`, env: { PREFECT__BACKEND_CONFIG_PATH: "~/b.toml" } },
  ])("reports line and column of invalid TOML in $file, without its text", ({ file, env }) => {
    const broken = (): unknown => load({ env, files: { [file]: '[cloud]\napi_key = "secret\n' } });
    expect(broken).toThrow(
      new RegExp(`^cannot read "${file.replaceAll(".", "\\.")}": .* at line 2, column \\d+$`),
    );
    expect(broken).not.toThrow(/secret/);
  });

  it.each([
    {
      env: { PREFECT__BACKEND: "local" },
      want: 'PREFECT__BACKEND variable "local": not one of cloud, server',
    },
    { env: { PREFECT__CLOUD__AGENT__LEVEL: "LOUD" }, want: '"LOUD": not one of DEBUG, INFO, WARNING, ERROR' },
    { env: { PREFECT__CLOUD__SEND_FLOW_RUN_LOGS: "maybe" }, want: '"maybe": neither true nor false' },
    { env: { PREFECT__CLOUD__REQUEST_TIMEOUT: "soon" }, want: '"soon": not a number' },
    { env: { PREFECT__CLOUD__TENANT_ID: "acme" }, want: '"acme": not a UUID' },
    { env: { IMAGE_PULL_POLICY: "Sometimes" }, want: '"Sometimes": not one of Always, IfNotPresent, Never' },
    { env: { DELETE_FINISHED_JOBS: "perhaps" }, want: '"perhaps": neither true nor false' },
  ])("refuses $env", ({ env, want }) => {
    expect(() => load({ env })).toThrow(want);
  });

  it.each(["Server", " server\n", '"server"', "SERVER"])(
    "reads backend %j, also for the address of the API",
    (backend) => {
      const { backend: found, apiUrl } = load({ env: { PREFECT__BACKEND: backend } });
      expect(found.value).toBe("server");
      expect(apiUrl).toEqual({ value: "http://localhost:4200", source: "PREFECT__BACKEND variable" });
    },
  );

  it("reads values in quotes or with blanks as such also where another value refers to them", () => {
    const env = {
      PREFECT__BACKEND: "server",
      PREFECT__SERVER__HOST: '"http://apollo"',
      PREFECT__SERVER__PORT: " 80\n",
    };
    expect(load({ env }).apiUrl.value).toBe("http://apollo:80");
  });

  it("takes a request timeout of 0 for no limit", () => {
    expect(load({ env: { PREFECT__CLOUD__REQUEST_TIMEOUT: "0" } }).requestTimeoutSeconds).toBe(Infinity);
  });

  it("treats an empty variable as not set", () => {
    const files = { [CONFIG]: 'backend = "server"\n[cloud.agent]\nlevel = "DEBUG"\nname = "a"' };
    const env = {
      PREFECT__BACKEND: "",
      PREFECT__CLOUD__API: "",
      PREFECT__CLOUD__AGENT__LEVEL: "",
      PREFECT__HOME_DIR: "",
    };
    const config = load({ env, files });
    expect(config.apiUrl.value).toBe("http://localhost:4200");
    expect(config.agent.level).toBe("DEBUG");
  });
});

describe("the API URL", () => {
  it.each([
    {
      title: "the server's default",
      env: { PREFECT__BACKEND: "server" },
      value: "http://localhost:4200",
      source: "PREFECT__BACKEND variable",
    },
    {
      title: "made of the server's host and port",
      env: {
        PREFECT__BACKEND: "server",
        PREFECT__SERVER__HOST: "http://prefect",
        PREFECT__SERVER__PORT: "80",
      },
      value: "http://prefect:80",
      source: "PREFECT__BACKEND variable",
    },
    {
      title: "the cloud's own endpoint",
      env: { PREFECT__CLOUD__ENDPOINT: "https://api.example" },
      value: "https://api.example",
      source: "PREFECT__CLOUD__ENDPOINT variable",
    },
    {
      title: "as written, with its slash",
      env: { PREFECT__CLOUD__API: "http://h:1/" },
      value: "http://h:1/",
      source: "PREFECT__CLOUD__API variable",
    },
    {
      title: "filled in from variables",
      env: { PREFECT__CLOUD__API: "http://${API_HOST}:$API_PORT", API_HOST: "h", API_PORT: "2" },
      value: "http://h:2",
      source: "PREFECT__CLOUD__API variable",
    },
  ])("is $title", ({ env, value, source }) => {
    expect(load({ env }).apiUrl).toEqual({ value, source });
  });

  it("depends on --backend", () => {
    expect(load({ flags: { backend: "server" } }).apiUrl.value).toBe("http://localhost:4200");
  });
});

describe("key and tenant", () => {
  const files = {
    [AUTH]: `["api.prefect.io"]\napi_key = "saved"\ntenant_id = "${TENANT}"\n\n["localhost-4200"]\napi_key = "local"\n`,
  };

  it.each([
    { env: {}, flags: {}, value: "saved", source: 'auth.toml ["api.prefect.io"] api_key' },
    {
      env: { PREFECT__CLOUD__API_KEY: "" },
      flags: {},
      value: "saved",
      source: 'auth.toml ["api.prefect.io"] api_key',
    },
    {
      env: { PREFECT__BACKEND: "server" },
      flags: {},
      value: "local",
      source: 'auth.toml ["localhost-4200"] api_key',
    },
    {
      env: {},
      flags: { api: "http://LOCALHOST:4200/graphql" },
      value: "local",
      source: 'auth.toml ["localhost-4200"] api_key',
    },
    {
      env: { PREFECT__CLOUD__API_KEY: "var" },
      flags: {},
      value: "var",
      source: "PREFECT__CLOUD__API_KEY variable",
    },
    { env: { PREFECT__CLOUD__API_KEY: "var" }, flags: { key: "flag" }, value: "flag", source: "--key flag" },
  ])("has the key $value for $env and $flags", ({ env, flags, value, source }) => {
    expect(load({ env, flags, files }).apiKey).toEqual({ value, source });
  });

  it("reads auth.toml in PREFECT__HOME_DIR", () => {
    const env = { PREFECT__HOME_DIR: "/srv/prefect" };
    const moved = { "/srv/prefect/auth.toml": files[AUTH] ?? "" };
    expect(load({ env, files: moved }).apiKey?.value).toBe("saved");
  });

  it.each(["12345", "1e5", "0x1f", "true", "[a]", '"quoted"', " padded\n"])(
    "keeps the key %j a string",
    (key) => {
      const want = key === '"quoted"' ? "quoted" : key.trim();
      expect(load({ env: { PREFECT__CLOUD__API_KEY: key } }).apiKey?.value).toBe(want);
      expect(load({ files: { [CONFIG]: `[cloud]\napi_key = ${JSON.stringify(key)}` } }).apiKey?.value).toBe(
        want,
      );
    },
  );

  it.each([TENANT, TENANT.toUpperCase(), TENANT.replaceAll("-", ""), `{${TENANT}}`, `urn:uuid:${TENANT}`])(
    "reads the tenant %s",
    (id) => {
      expect(load({ env: { PREFECT__CLOUD__TENANT_ID: id }, files }).tenantId?.value).toBe(TENANT);
    },
  );

  it("uses the tenant that is saved with the key", () => {
    expect(load({ files }).tenantId).toEqual({
      value: TENANT,
      source: 'auth.toml ["api.prefect.io"] tenant_id',
    });
  });
});
