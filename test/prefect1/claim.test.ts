// Claims in batches on a server whose responses get lost: the reported outcomes must match the server's state.

import type { PrefectFailure } from "../../src/orchestrator/errors.ts";
import { PrefectError } from "../../src/orchestrator/errors.ts";
import { describe, expect, it } from "vitest";
import { CLAIM_KEY, claimAll, claimIn } from "../../src/prefect1/claim.ts";
import type { ClaimApi, StateClaim } from "../../src/prefect1/claim.ts";
import type { State } from "../../src/prefect1/states.ts";

interface Row {
  version: number;
  state: State;
}

/** A server whose requests fail, before or after their effect, as `fail` says. */
class Server {
  readonly rows = new Map<string, Row>();
  /** Runs that refuse every claim. */
  readonly locked = new Set<string>();
  readonly requests: string[] = [];
  fail: (request: string) => { readonly failure: PrefectFailure; readonly effect: boolean } | undefined =
    () => undefined;

  constructor(...ids: readonly string[]) {
    for (const id of ids) this.rows.set(id, { version: 1, state: { type: "Scheduled" } });
  }

  readonly setStates = async (claims: readonly StateClaim[]): Promise<void> => {
    const request = `set ${claims.map(({ id }) => id).join()}`;
    this.requests.push(request);
    const outcome = this.fail(request);
    const refused = claims.filter(({ id }) => this.locked.has(id));
    if (outcome?.effect !== false) {
      for (const { id, state } of claims) {
        const row = this.rows.get(id);
        if (row !== undefined && !this.locked.has(id)) this.rows.set(id, { version: row.version + 1, state });
      }
    }
    if (outcome !== undefined) throw new PrefectError("claim", "no", outcome);
    if (refused.length > 0) throw new PrefectError("claim", "State update failed", { failure: "locked" });
  };

  readonly readStates: ClaimApi["readStates"] = async (ids) => {
    const request = `read ${ids.join()}`;
    this.requests.push(request);
    const outcome = this.fail(request);
    if (outcome !== undefined) throw new PrefectError("read", "no", outcome);
    const found = [...this.rows].filter(([id]) => ids.includes(id));
    return new Map(found.map(([id, { version, state }]) => [id, { version, claim: claimIn(state) }]));
  };
}

function claim(id: string, more: Partial<StateClaim> = {}): StateClaim {
  const context = {
    id: `claim-${id}`,
    place: { namespace: "here", ca: "1" },
    identifier: "1a2b3c4d",
    process: "p1",
  };
  return { id, version: 1, state: { type: "Submitted", context: { [CLAIM_KEY]: context } }, ...more };
}

describe("claimAll", () => {
  it("claims all in one request", async () => {
    const server = new Server("a", "b");
    expect(await claimAll([claim("a"), claim("b")], server)).toEqual(["claimed", "claimed"]);
    expect(server.requests).toEqual(["set a,b"]);
  });

  it("sends nothing for no claims", async () => {
    const server = new Server();
    expect(await claimAll([], server)).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  it("finds out which claims of a partly refused batch succeeded", async () => {
    const server = new Server("a", "b", "c");
    server.locked.add("b");
    server.rows.set("b", { version: 2, state: { type: "Submitted" } });
    expect(await claimAll([claim("a"), claim("b"), claim("c")], server)).toEqual([
      "claimed",
      "taken",
      "claimed",
    ]);
  });

  it("gives up a run that is locked but unchanged", async () => {
    const server = new Server("a", "b");
    server.locked.add("b");
    expect(await claimAll([claim("a"), claim("b")], server)).toEqual(["claimed", "taken"]);
    expect(server.requests).toEqual(["set a,b", "read a,b", "set b", "read b"]);
  });

  it("gives up a deleted run", async () => {
    const server = new Server("a");
    server.fail = (request) => (request === "set gone" ? { failure: "refused", effect: false } : undefined);
    expect(await claimAll([claim("gone")], server)).toEqual(["taken"]);
  });

  it.each(["unreachable", "overloaded", "unreadable"] as const)(
    "finds its own claim when the response was lost: %s",
    async (failure) => {
      const server = new Server("a");
      server.fail = (request) => (request.startsWith("set") ? { failure, effect: true } : undefined);
      expect(await claimAll([claim("a")], server)).toEqual(["claimed"]);
    },
  );

  it("throws a temporary error of a batch without effect, and leaves the retry to the caller", async () => {
    const server = new Server("a", "b");
    server.fail = (request) =>
      request.startsWith("set") ? { failure: "overloaded", effect: false } : undefined;
    await expect(claimAll([claim("a"), claim("b")], server)).rejects.toMatchObject({ failure: "overloaded" });
    expect(server.requests).toEqual(["set a,b", "read a,b"]);
  });

  it("throws an authentication error without reading states", async () => {
    const server = new Server("a");
    server.fail = () => ({ failure: "unauthorized", effect: false });
    await expect(claimAll([claim("a")], server)).rejects.toMatchObject({ failure: "unauthorized" });
    expect(server.requests).toEqual(["set a"]);
  });

  it("repeats the claims of a refused batch one by one, and only one that is still refused fails", async () => {
    const server = new Server("a", "b");
    server.fail = (request) => (/^set .*b/.test(request) ? { failure: "refused", effect: false } : undefined);
    const [a, b] = await claimAll([claim("a"), claim("b")], server);
    expect([a, b]).toMatchObject(["claimed", { error: { failure: "refused" } }]);
    expect(server.rows.get("a")?.version).toBe(2);
  });
});

describe("a retried claim", () => {
  it("does not overwrite a newer state, though the server would accept it", async () => {
    const server = new Server("a");
    server.rows.set("a", { version: 4, state: { type: "Success" } });
    expect(await claimAll([claim("a", { mustRead: () => true })], server)).toEqual(["taken"]);
    expect(server.rows.get("a")?.state.type).toBe("Success");
  });

  it("is not repeated if the first attempt succeeded, and is sent again if not", async () => {
    const server = new Server("a", "b");
    await server.setStates([claim("a")]);
    const retried = [claim("a", { mustRead: () => true }), claim("b", { mustRead: () => true })];
    expect(await claimAll(retried, server)).toEqual(["claimed", "claimed"]);
    expect(server.rows.get("a")?.version).toBe(2);
    expect(server.requests).toEqual(["set a", "read a,b", "set b"]);
  });
});

describe("claimIn", () => {
  it("reads its own claims", () => {
    const context = {
      id: "1",
      place: { namespace: "here", ca: "1" },
      identifier: "1a2b3c4d",
      agent: { name: "gpu", labels: ["b", "a"] },
      process: "p1",
    };
    expect(claimIn({ type: "Submitted", context: { [CLAIM_KEY]: context } })).toEqual(context);
  });

  it.each([{}, { [CLAIM_KEY]: "x" }, { [CLAIM_KEY]: { id: "1", place: { namespace: "here", ca: "1" } } }])(
    "ignores the context %o",
    (context) => {
      expect(claimIn({ type: "Submitted", context })).toBeUndefined();
    },
  );
});
