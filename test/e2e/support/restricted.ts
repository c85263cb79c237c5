// What the restricted Pod Security Standard asks, of a namespace and of the pods that tests put there.

import type { JsonObject } from "../../../src/base/json.ts";
import { mustKubectl } from "./kubectl.ts";

/** Fields of a container that the standard admits. */
export const RESTRICTED: JsonObject = {
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    runAsUser: 65_532,
    seccompProfile: { type: "RuntimeDefault" },
  },
};

/** From now on the namespace refuses pods that do not meet the standard. */
export function restrict(namespace: string): void {
  mustKubectl(["label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted"]);
}
