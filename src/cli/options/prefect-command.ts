// The options of commands that connect to Prefect: address, key, tenant and backend.

import type { PrefectConfig } from "../../prefect1/config/load.ts";
import { SettingsError } from "../../base/errors.ts";
import { BaseCommand } from "./base-command.ts";
import { textOption } from "./option-group.ts";

/** The keys of users and of service accounts. */
const KEY_OF_PREFECT_3 = /^pn[ub]_/;

export abstract class PrefectCommand extends BaseCommand {
  api = textOption("-a,--api", "URL of the API of Prefect 0.x and 1.x (of 2 and 3: PREFECT_API_URL)");
  key = textOption("-k,--key", "API key of Prefect 0.x and 1.x (of 2 and 3: PREFECT_API_KEY)");
  token = textOption("-t,--token");
  tenantId = textOption("--tenant-id", "Prefect tenant, if your key can access several");
  backend = textOption("-b,--backend", "Prefect Cloud or a self-hosted server (default cloud)");

  /** Prefect's configuration, overridden by the flags. Throws SettingsError for an invalid value. */
  async prefectConfig(): Promise<PrefectConfig> {
    const { loadPrefectConfig } = await import("../../prefect1/config/load.ts");
    const { env, readFile, secrets } = this.context;
    const key = this.key ?? this.token;
    if (key !== undefined && KEY_OF_PREFECT_3.test(key))
      throw new SettingsError(
        "cannot use --key: it is a key of Prefect 2 and 3, and is not sent to Prefect 1",
        {
          hint: "set PREFECT_API_KEY, and PREFECT_API_URL",
        },
      );
    const flags = { api: this.api, key, tenantId: this.tenantId, backend: this.backend };
    return loadPrefectConfig({ env, readFile, flags, secrets });
  }
}
