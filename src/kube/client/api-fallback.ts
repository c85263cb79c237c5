// Kubernetes before 1.21 serves PodDisruptionBudgets only as policy/v1beta1. The 404 for an API version that is not served
// has a different message than the 404 for a missing object, which names the object.

const OLDER_PATHS: readonly (readonly [prefix: string, older: string])[] = [
  ["/apis/policy/v1/", "/apis/policy/v1beta1/"],
];
/** The body of a 404 for an API version that is not served: plain text, or a Status in Kubernetes 1.20. */
const NOT_SERVED = [/^404 page not found/, /"message":"the server could not find the requested resource"/];

/** Switches to an older API version when the server does not serve the current one. */
export class ApiFallback {
  readonly #inUse = new Set<string>();

  /** The path to request from this server. */
  pathOf(path: string): string {
    for (const [prefix, older] of OLDER_PATHS) {
      if (path.startsWith(prefix) && this.#inUse.has(prefix)) return older + path.slice(prefix.length);
    }
    return path;
  }

  /** Switches to the older version if this response says that the current one is not served. True: retry the request. */
  switchAfter(path: string, answer: { readonly status: number; readonly body: string }): boolean {
    if (answer.status !== 404 || !NOT_SERVED.some((pattern) => pattern.test(answer.body))) return false;
    const found = OLDER_PATHS.find(([prefix]) => path.startsWith(prefix));
    if (found === undefined || this.#inUse.has(found[0])) return false;
    this.#inUse.add(found[0]);
    return true;
  }
}
