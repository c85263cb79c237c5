// `doctor`'s options and Prefect's configuration → the target of the checks. Sends no requests.

import { attempt } from "../../../base/attempt.ts";
import { aNamespace, aServiceAccount, namesIn, parseSecretEntry } from "../../../agent/option-checks.ts";
import type { AgentOptionValues } from "../../../agent/options.ts";
import { SettingsError } from "../../../base/errors.ts";
import { checkVariables } from "../../../install/check-variables.ts";
import { DEFAULT_SOURCE } from "../../../base/sourced.ts";
import type { DoctorTarget } from "../../../doctor/target.ts";
import { loadPrefect3Settings } from "../../../prefect3/settings.ts";
import type { ClusterCommand } from "../../options/cluster-command.ts";

/** The target. Throws SettingsError for an invalid --for; an unreadable configuration is a finding. */
export async function doctorTarget(
  command: ClusterCommand & { readonly options: AgentOptionValues; readonly account: string | undefined },
): Promise<DoctorTarget> {
  const { options, namespace, account, context } = command;
  const pullSecrets = namesIn(options.imagePullSecrets);
  const config = await attempt(async () => {
    const read = await command.prefectConfig();
    checkVariables(read, { ...options, namespace });
    return read;
  });
  const { apiUrl, apiKey, backend, variables } = config.value ?? {};
  // Without configuration there may be no server at the default address.
  const isSet = apiKey !== undefined || [apiUrl, backend].some((each) => each?.source !== DEFAULT_SOURCE);
  return {
    config,
    prefect3: await attempt(() => loadPrefect3Settings(context)),
    isPrefect1Configured: isSet,
    given: {
      labels: options.labels,
      serviceAccountName: options.serviceAccountName || undefined,
      imagePullSecrets: pullSecrets.length === 0 ? undefined : pullSecrets,
      keySecret: options.keySecret ? parseSecretEntry(options.keySecret) : undefined,
    },
    templatePath: options.jobTemplate || undefined,
    namespace: namespace ? { value: namespace, source: "-n" } : variables?.namespace,
    account: accountOf(account),
    leaderElect: options.leaderElect === true,
  };
}

/** Of `NAMESPACE/SERVICEACCOUNT`, or a user name of Kubernetes. */
function accountOf(text: string | undefined): DoctorTarget["account"] {
  if (text === undefined) return undefined;
  const [namespace = "", name = "", ...rest] = text.replace(/^system:serviceaccount:/, "").split(/[/:]/);
  if (namespace !== "" && name !== "" && rest.length === 0) {
    aNamespace(namespace, "--for");
    aServiceAccount(name, "--for");
    return { namespace, name };
  }
  throw new SettingsError(`cannot read --for "${text}": not a ServiceAccount`, {
    hint: "write NAMESPACE/SERVICEACCOUNT, such as flows/prefect-agent",
  });
}
