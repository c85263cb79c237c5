// Lists: selected, in order, page by page. All pages of a list show one moment.

import { Buffer } from "node:buffer";
import { objectIn, textIn } from "../../../src/base/json.ts";
import { badRequest, expired, Failure } from "./failure.ts";
import { apiVersionOf } from "./resources.ts";
import type { Selection } from "./selection.ts";
import type { Store } from "./store.ts";
import type { Target } from "./target.ts";
import type { Version } from "./version.ts";

/** How many unfinished lists are remembered. */
const MAX_PINNED = 64;
const TOO_OLD =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without" +
  " the continue parameter, or use the continue token in this response to retrieve the remainder of the results." +
  " Continuing with the provided token results in an inconsistent list - objects that were created, modified, or" +
  " deleted between the time the first chunk was returned and now may show up in the list.";

interface Token {
  /** The resourceVersion of the list, or -1 to go on with whatever is there now. */
  readonly rv: number;
  /** The key after which to go on. */
  readonly start: string;
}

/** The lists of a store. Remembers those whose next page may still be asked for. */
export class Lists {
  readonly #store: Store;
  readonly #pinned = new Map<string, readonly Version[]>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Forgets all unfinished lists: their tokens answer 410. */
  compact(): void {
    this.#pinned.clear();
  }

  /** The JSON of one page. Throws 400, 410 (token or version too old) or 504 (version of the future). */
  page(target: Target, selection: Selection): string {
    const limit = limitOf(target.query);
    const token = tokenOf(target.query);
    this.#checkVersion(target, token);
    const at = token === undefined || token.rv < 0 ? this.#store.at : token.rv;
    const id = [target.type.plural, target.type.group, target.namespace, selection.text, at].join("|");
    const rest =
      token !== undefined && token.rv >= 0
        ? this.#pinnedRest(id, token)
        : this.#all(target, selection, token);
    const items = limit === 0 ? rest : rest.slice(0, limit);
    const left = rest.length - items.length;
    if (left > 0) this.#pin(id, token, rest);
    const next = left > 0 ? { continue: encoded({ rv: at, start: `${items.at(-1)?.key ?? ""}\0` }) } : {};
    const remaining = left > 0 && selection.text === "|" ? { remainingItemCount: left } : {};
    const metadata = JSON.stringify({ resourceVersion: String(at), ...next, ...remaining });
    return listJson(target, metadata, items);
  }

  #all(target: Target, selection: Selection, token: Token | undefined): readonly Version[] {
    const all = this.#store
      .all(target.type, target.namespace)
      .filter((version) => selection.matches(version.object));
    return token === undefined ? all : all.filter((version) => version.key > token.start);
  }

  #pinnedRest(id: string, token: Token): readonly Version[] {
    const pinned = this.#pinned.get(id);
    if (pinned === undefined) throw expired(TOO_OLD, { continue: encoded({ rv: -1, start: token.start }) });
    return pinned.filter((version) => version.key > token.start);
  }

  #pin(id: string, token: Token | undefined, rest: readonly Version[]): void {
    // Pages after the first read what the first one pinned: any of them may be asked for twice.
    if (token !== undefined && token.rv >= 0) return;
    this.#pinned.delete(id);
    this.#pinned.set(id, rest);
    const [oldest] = this.#pinned.keys();
    if (this.#pinned.size > MAX_PINNED && oldest !== undefined) this.#pinned.delete(oldest);
  }

  #checkVersion({ query }: Target, token: Token | undefined): void {
    const given = query.get("resourceVersion") ?? "";
    if (given === "") return;
    if (token !== undefined)
      throw badRequest("specifying resource version is not allowed when using continue");
    if (!/^\d+$/.test(given)) {
      const cause = `strconv.ParseUint: parsing "${given}": invalid syntax`;
      throw badRequest(`invalid resource version: resourceVersion: Invalid value: "${given}": ${cause}`);
    }
    if (Number(given) > this.#store.at) throw versionTooLarge(given, this.#store.at);
    const isExact = query.get("resourceVersionMatch") === "Exact";
    if (isExact && Number(given) < this.#store.at) {
      throw expired("The resourceVersion for the provided list is too old.");
    }
  }
}

/** The list document around items. */
export function listJson(
  { type }: Pick<Target, "type">,
  metadata: string,
  items: readonly Version[],
): string {
  const body = items.map((version) => version.item).join(",");
  return `{"kind":"${type.kind}List","apiVersion":"${apiVersionOf(type)}","metadata":${metadata},"items":[${body}]}`;
}

/** A whole number of a query. Throws a 400 Failure when the text is none. */
export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name) ?? "";
  if (given === "") return undefined;
  if (/^-?\d+$/.test(given)) return Number(given);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`);
}

/** What comes from the API server's cache comes whole. */
function limitOf(query: URLSearchParams): number {
  if (query.get("resourceVersion") === "0") return 0;
  return Math.max(0, numberIn(query, "limit") ?? 0);
}

function encoded(token: Token): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", ...token })).toString("base64url");
}

function tokenOf(query: URLSearchParams): Token | undefined {
  const given = query.get("continue") ?? "";
  if (given === "") return undefined;
  try {
    const token = objectIn(JSON.parse(Buffer.from(given, "base64url").toString("utf8")));
    const start = textIn(token["start"]);
    if (typeof token["rv"] === "number" && start !== undefined) return { rv: token["rv"], start };
  } catch {
    // Told below, as for a token that is JSON and not ours.
  }
  throw badRequest("invalid continue token: continue key is not valid");
}

function versionTooLarge(given: string, current: number): Failure {
  return new Failure(`Timeout: Too large resource version: ${given}, current: ${current}`, {
    code: 504,
    reason: "Timeout",
    details: { causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }] },
  });
}
