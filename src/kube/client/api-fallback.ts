// Kubernetes before 1.21 serves PodDisruptionBudgets as policy/v1beta1 only. Its words for what it does not serve are others
// than for an object that is not there, of which it tells the name; so the two can be told apart.

const OLDER: readonly (readonly [prefix: string, older: string])[] = [
  ["/apis/policy/v1/", "/apis/policy/v1beta1/"],
];
/** A current server's answer, in plain text; and 1.20's, in a Status. */
const NOT_SERVED = [/^404 page not found/, /"message":"the server could not find the requested resource"/];

/** Which groups a server has in their older version only, as far as it was asked. */
export class ApiFallback {
  readonly #learnt = new Set<string>();

  /** The path under which this server has it. */
  pathOf(path: string): string {
    for (const [prefix, older] of OLDER) {
      if (path.startsWith(prefix) && this.#learnt.has(prefix)) return older + path.slice(prefix.length);
    }
    return path;
  }

  /** True when the answer tells that an older path is to be asked, which it was not yet. */
  learn(path: string, answer: { readonly status: number; readonly body: string }): boolean {
    if (answer.status !== 404 || !NOT_SERVED.some((words) => words.test(answer.body))) return false;
    const found = OLDER.find(([prefix]) => path.startsWith(prefix));
    if (found === undefined || this.#learnt.has(found[0])) return false;
    this.#learnt.add(found[0]);
    return true;
  }
}
