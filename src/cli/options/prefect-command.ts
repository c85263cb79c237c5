// The options of commands that speak to Prefect: its address, key, tenant and backend.

import { Option } from "clipanion";
import type { PrefectConfig } from "../../prefect1/config/load.ts";
import { BaseCommand } from "./base-command.ts";

/** Commands that speak to Prefect. */
export abstract class PrefectCommand extends BaseCommand {
  api = Option.String("-a,--api", { description: "address of the Prefect API" });
  key = Option.String("-k,--key", { description: "Prefect API key" });
  token = Option.String("-t,--token", { hidden: true });
  tenantId = Option.String("--tenant-id", { description: "Prefect tenant, where the API knows several" });
  backend = Option.String("-b,--backend", {
    description: "Prefect Cloud, or a server of your own (default cloud)",
  });

  /** Prefect's own configuration under these flags. Throws SettingsError for a value that cannot be meant. */
  protected async prefectConfig(): Promise<PrefectConfig> {
    const { loadPrefectConfig } = await import("../../prefect1/config/load.ts");
    const { env, readFile } = this.context;
    const key = this.key ?? this.token;
    const flags = { api: this.api, key, tenantId: this.tenantId, backend: this.backend };
    return loadPrefectConfig({ env, readFile, flags });
  }
}
