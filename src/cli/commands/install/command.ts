// kubectl prefect install: print what runs the agent in a cluster, ready for kubectl apply.

import { DEFAULT_SOURCE } from "../../../base/sourced.ts";
import type { Sourced } from "../../../base/sourced.ts";
import { Command } from "clipanion";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { ConnectionOptions, FileOptions, InstallOptions, TextFile } from "../../../install/options.ts";
import { version } from "../../../version.ts";
import { InstallFlags, rbacOf } from "./options.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { readGivenFile } from "../../read-input.ts";

const BUILT_IN = new Set(["https://api.prefect.io", "http://localhost:4200"]);
/** What means the pod itself once it stands in the pod. */
const LOOPBACK = /^https?:\/\/(?:localhost|127\.|\[::1\])/i;

export class InstallCommand extends InstallFlags {
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
      Prints Kubernetes objects in the order in which they must be applied. Nothing is sent anywhere. The API key goes
      into a Secret. Address, backend, key and tenant come from Prefect's configuration where no flag says them, so
      that what works for agent start here works there.
    `,
    examples: [
      [
        "Install the agent with the rights that it needs",
        "$0 install -k API_KEY --rbac | kubectl apply -f -",
      ],
      [
        "For a server of your own, with no right more than needed",
        "$0 install -b server -a http://apollo:4200 --rbac=minimal | kubectl apply -f -",
      ],
      [
        "With debug logs, from a config.toml",
        "$0 install --config-toml config.toml --key-secret prefect-key",
      ],
    ],
  });

  async execute(): Promise<number> {
    const format = parseOutputFormat(this.output, ["yaml", "json"]);
    const { agentManifests } = await import("../../../install/manifests.ts");
    const { renderManifests } = await import("../../../install/render.ts");
    const { jobTemplate, ...passedOn } = this.passedOn;
    const { configToml, ...own } = this.own;
    const files = { ...this.#template(jobTemplate), configToml: this.#file(configToml, "configuration") };
    const options: InstallOptions = {
      version,
      rbac: rbacOf(this.rbac),
      ...passedOn,
      ...own,
      ...files,
      ...(await this.#connection(files.configToml)),
    };
    this.print(renderManifests(agentManifests(options), format));
    if (options.api !== undefined && LOOPBACK.test(options.api)) {
      this.note(
        `warning: in a pod ${options.api} is the pod itself; name Prefect's address there with --api`,
      );
    }
    return 0;
  }

  /**
   * Flags, else what Prefect's configuration says here; its defaults are the agent's own anyway. Prefect's own install
   * asks its configuration for the backend alone, and so a key lying around there never got into its Deployment.
   */
  async #connection(configToml: TextFile | undefined): Promise<ConnectionOptions> {
    const config = await this.prefectConfig();
    const backend = said(config.backend);
    const key = this.key ?? this.token;
    const { tenantId } = this;
    if (this.own.agent === "python") return { api: this.api, backend, tenantId, key };
    return {
      api: await this.#api(config, configToml),
      backend,
      tenantId: tenantId ?? config.tenantId?.value,
      // With a Secret that exists, a key lying around here is not meant.
      key: key ?? (this.passedOn.keySecret === undefined ? config.apiKey?.value : undefined),
    };
  }

  /** The agent's own configuration file says where Prefect is as well as the one of this machine, and knows better. */
  async #api(config: PrefectConfig, configToml: TextFile | undefined): Promise<string | undefined> {
    if (this.api !== undefined) return this.api;
    const { saysWhereServerIs } = await import("../../../install/check-files.ts");
    return configToml !== undefined && saysWhereServerIs(configToml) ? undefined : saidAddress(config);
  }

  #template(given: string | undefined): Pick<FileOptions, "jobTemplate" | "jobTemplateUrl"> {
    if (given !== undefined && /^[a-z][a-z0-9+.-]+:\/\//i.test(given)) return { jobTemplateUrl: given };
    return { jobTemplate: this.#file(given, "job template") };
  }

  #file(path: string | undefined, what: string): TextFile | undefined {
    return path === undefined ? undefined : { path, text: readGivenFile(this.context, path, what) };
  }
}

/** An address that somebody has set: a backend alone only leads to one of the built-in ones. */
function saidAddress({ apiUrl, backend }: PrefectConfig): string | undefined {
  const isBuiltIn = apiUrl.source === backend.source && BUILT_IN.has(apiUrl.value);
  return isBuiltIn ? undefined : said(apiUrl);
}

function said<T>({ value, source }: Sourced<T>): T | undefined {
  return source === DEFAULT_SOURCE ? undefined : value;
}
