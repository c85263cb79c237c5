// Checks of single values, by the tables of options, and of the address and the key.

import { SettingsError } from "../base/errors.ts";
import { checkWorkOptions, JOB_OPTIONS } from "../agent/options.ts";
import { anId, aWebAddress, must, oneOf } from "../agent/option-checks.ts";
import type { OptionCheck } from "../agent/option-row.ts";
import { checkOptionValues } from "../agent/option-row.ts";
import type { InstallOptions } from "./options.ts";
import { INSTALL_OPTIONS } from "./options.ts";

const aTemplateAddress = must(
  (value) => /^(?:https?|s3|gs|gcs):\/\/[^\s/]+\/\S+$/.test(value),
  "an address that the agent can fetch",
  "an http(s)://, s3:// or gs:// address, or a file that exists here",
);
const aBackend = oneOf(["cloud", "server"]);

/** Throws SettingsError, naming the flag, for the first invalid value. */
export function checkNames(options: InstallOptions): void {
  if (options.key && !/^[\x21-\x7e]+$/.test(options.key)) {
    // The message must not contain the key.
    throw new SettingsError(
      "cannot read --key: it contains white space or other characters that are not allowed in an API key",
      {
        hint: "copy the key again, without quotes or line breaks",
      },
    );
  }
  checkIfSet("--api", options.api, aWebAddress);
  checkIfSet("--backend", options.backend, aBackend);
  checkIfSet("--tenant-id", options.tenantId, anId);
  checkIfSet("--job-template", options.jobTemplateUrl, aTemplateAddress);
  const { jobTemplate: _template, configToml: _config, ...values } = options;
  checkOptionValues(INSTALL_OPTIONS, values);
  checkOptionValues(JOB_OPTIONS, values);
  checkWorkOptions(values);
}

function checkIfSet(flag: string, value: string | undefined, check: OptionCheck): void {
  if (value) check(value, flag);
}
