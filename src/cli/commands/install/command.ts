// kubectl prefect install: prints the agent's manifests for kubectl apply.

import { DEFAULT_SOURCE, type Sourced } from "../../../base/sourced.ts";
import { redactUrl } from "../../../base/redact-url.ts";
import { Command } from "clipanion";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import {
  AGENT_START_OPTIONS,
  INSTALL_OPTIONS,
  type InstallOptions,
  type TextFile,
} from "../../../install/options.ts";
import { aWebAddress } from "../../../agent/option-checks.ts";
import { version } from "../../../version.ts";
import { writeRaw } from "../../../output/clean.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { choice, choiceOption } from "../../options/choice.ts";
import { optionGroup, textOption } from "../../options/option-group.ts";
import { PrefectCommand } from "../../options/prefect-command.ts";
import { readInput } from "../../read-input.ts";

/** The Prefect API and its credentials. */
type Connection = Pick<InstallOptions, "api" | "backend" | "tenantId" | "key">;

const RBAC = { true: true, false: false, minimal: "minimal" } as const;
const BUILT_IN = new Set(["https://api.prefect.io", "http://localhost:4200"]);
/** Addresses that in a pod are the pod itself. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\])$/;

export class InstallCommand extends PrefectCommand {
  static override paths = [
    ["install"],
    ["agent", "install"],
    ["agent", "kubernetes", "install"],
    ["agent", "install", "kubernetes"],
  ];
  static override usage = Command.Usage({
    category: "Agent",
    description: "print the manifests that run the agent in a cluster",
    details: `
      Prints Kubernetes objects in the order in which they must be applied; sends nothing to the cluster. The API key goes
      into a Secret. API address, backend, key and tenant come from Prefect's configuration unless flags set them, so the
      agent in the cluster uses the same Prefect API as agent start on this machine.
    `,
    examples: [
      [
        "Install the agent with the permissions that it needs",
        "$0 install -k API_KEY --rbac | kubectl apply -f -",
      ],
      [
        "Use a self-hosted server, with only the agent's own permissions",
        "$0 install -b server -a http://apollo:4200 --rbac=minimal | kubectl apply -f -",
      ],
      [
        "Give an agent that runs already the permissions that it needs",
        "$0 install --rbac=minimal --rbac-only -n flows | kubectl apply -f -",
      ],
      [
        "Configure the agent with a config.toml and an existing Secret",
        "$0 install --config-toml config.toml --key-secret prefect-key",
      ],
    ],
  });

  rbac = choiceOption(
    "--rbac",
    "also print RBAC objects for the agent and its flows; minimal: a ServiceAccount with only the agent's permissions",
  );
  readonly installOnly = optionGroup(INSTALL_OPTIONS);
  readonly agentStart = optionGroup(AGENT_START_OPTIONS);
  output = textOption("-o,--output", "output format (default yaml)");

  async execute(): Promise<number> {
    const format = parseOutputFormat(this.output, ["yaml", "json"]);
    const { agentManifests, renderManifests } = await import("../../../install/manifests.ts");
    const { jobTemplate, ...agentStart } = this.agentStart;
    const { configToml, ...installOnly } = this.installOnly;
    const files = {
      ...(await this.#template(jobTemplate)),
      configToml: await this.#file(configToml, "configuration"),
    };
    const own = await this.#ownConfig(files.configToml);
    const options: InstallOptions = {
      version,
      rbac: choice(["--rbac", this.rbac], RBAC, "use --rbac or --rbac=minimal"),
      ...agentStart,
      ...installOnly,
      ...files,
      ...(await this.#connection(files.configToml, own)),
      configured: own && { name: own.agent.name, labels: own.agent.labels.value },
    };
    // With the key that the Secret holds by intent.
    writeRaw(this.context.stdout, renderManifests(agentManifests(options), format));
    const warnings = options.rbacOnly === true ? [] : [missingIn(options, own), shownPassword(options, own)];
    for (const warning of warnings) if (warning !== undefined) this.printMessage(`warning: ${warning}`);
    return 0;
  }

  /**
   * From flags, else from Prefect's configuration unless it is only a default. For Prefect's own agent the configuration
   * sets nothing but the backend, as in Prefect's own install. `own`: the agent's own configuration; if that names its API,
   * this machine's configuration counts only as far as it is for the same.
   */
  async #connection(file: TextFile | undefined, own: PrefectConfig | undefined): Promise<Connection> {
    const { hasServerAddress } = await import("../../../install/check.ts");
    const config = await this.prefectConfig();
    const key = this.key ?? this.token;
    const { api, tenantId } = this;
    const backend = unlessDefault(config.backend);
    if (this.installOnly.agent === "python") return { api, backend, tenantId, key };
    const hasBackend =
      this.backend === undefined && own !== undefined && unlessDefault(own.backend) !== undefined;
    const isNamed = hasBackend || (file !== undefined && hasServerAddress(file));
    const saved = isNamed && own?.apiUrl.value !== config.apiUrl.value ? undefined : config;
    return {
      api: api ?? (isNamed ? undefined : configuredAddress(config)),
      backend: hasBackend ? this.backend : backend,
      tenantId: tenantId ?? saved?.tenantId?.value,
      // With an existing Secret the locally configured key is not used.
      key: key ?? (this.agentStart.keySecret === undefined ? saved?.apiKey?.value : undefined),
    };
  }

  /** What the agent's own config.toml says, together with the flags; undefined without one. */
  async #ownConfig(file: TextFile | undefined): Promise<PrefectConfig | undefined> {
    if (file === undefined) return undefined;
    const { loadPrefectConfig } = await import("../../../prefect1/config/load.ts");
    const readFile = (path: string): string | undefined => (path === file.path ? file.text : undefined);
    const flags = { api: this.api, backend: this.backend };
    const own = loadPrefectConfig({ env: { PREFECT__USER_CONFIG_PATH: file.path }, readFile, flags });
    const { value, source } = own.apiUrl;
    // A variable is one of the pod.
    if (!value.includes("$")) aWebAddress(value, source);
    return own;
  }

  async #template(path: string | undefined): Promise<Pick<InstallOptions, "jobTemplate" | "jobTemplateUrl">> {
    if (path !== undefined && /^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return { jobTemplateUrl: path };
    return { jobTemplate: await this.#file(path, "job template") };
  }

  async #file(path: string | undefined, what: string): Promise<TextFile | undefined> {
    return path === undefined ? undefined : { path, text: await readInput(this.context, path, what) };
  }
}

/** What the agent will miss in its pod. */
function missingIn(
  { api = "", backend, key, keySecret }: InstallOptions,
  own: PrefectConfig | undefined,
): string | undefined {
  const address = api || (own?.apiUrl.value ?? "");
  if (LOOPBACK.test(URL.parse(address)?.hostname ?? ""))
    return `${redactUrl(address)} in a pod is the pod itself; set the address of Prefect with --api`;
  const isServer = (backend ?? own?.backend.value) === "server";
  if (isServer || key !== undefined || keySecret !== undefined) return undefined;
  return "the agent has no API key for Prefect Cloud; set it with --key or --key-secret, or use --backend server";
}

/** An address is not in a Secret. */
function shownPassword(
  { api = "", jobTemplateUrl = "" }: InstallOptions,
  own: PrefectConfig | undefined,
): string | undefined {
  const places = [
    [api, "Prefect API", "Deployment"],
    [jobTemplateUrl, "job template", "Deployment"],
    [own?.apiUrl.value ?? "", "Prefect API", "ConfigMap"],
  ] as const;
  const [, what, where] = places.find(([address]) => redactUrl(address) !== address) ?? [];
  return what && `the password in the address of the ${what} is in the ${where} in plain text`;
}

/** The address, unless it is only the backend's default. */
function configuredAddress({ apiUrl, backend }: PrefectConfig): string | undefined {
  const isBuiltIn = apiUrl.source === backend.source && BUILT_IN.has(apiUrl.value);
  return isBuiltIn ? undefined : unlessDefault(apiUrl);
}

function unlessDefault<T>({ value, source }: Sourced<T>): T | undefined {
  return source === DEFAULT_SOURCE ? undefined : value;
}
