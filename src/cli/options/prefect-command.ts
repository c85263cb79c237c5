// The options of commands that connect to Prefect: address, key, tenant and backend.

import type { PrefectConfig } from "../../prefect1/config/load.ts";
import { BaseCommand } from "./base-command.ts";
import { textOption } from "./option-group.ts";

export abstract class PrefectCommand extends BaseCommand {
  api = textOption("-a,--api", "URL of the Prefect API");
  key = textOption("-k,--key", "Prefect API key");
  token = textOption("-t,--token");
  tenantId = textOption("--tenant-id", "Prefect tenant, if your key can access several");
  backend = textOption("-b,--backend", "Prefect Cloud or a self-hosted server (default cloud)");

  /** Prefect's configuration, overridden by the flags. Throws SettingsError for an invalid value. */
  async prefectConfig(): Promise<PrefectConfig> {
    const { loadPrefectConfig } = await import("../../prefect1/config/load.ts");
    const { env, readFile, secrets } = this.context;
    const key = this.key ?? this.token;
    const flags = { api: this.api, key, tenantId: this.tenantId, backend: this.backend };
    return loadPrefectConfig({ env, readFile, flags, secrets });
  }
}
