// The restricted Pod Security Standard, for a namespace and for the pods of tests in it.

import type { JsonObject } from "../../../src/base/json.ts";
import { mustKubectl } from "./kubectl.ts";

/** Container fields that the standard requires. */
export const RESTRICTED: JsonObject = {
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    runAsUser: 65_532,
    seccompProfile: { type: "RuntimeDefault" },
  },
};

/** Makes the namespace reject pods that do not meet the standard. */
export function restrict(namespace: string): void {
  mustKubectl(["label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted"]);
}
