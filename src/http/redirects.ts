// Follows redirects that keep method and body, as Prefect's own clients do: an ingress that serves only https answers with one.

import type { Http, HttpAnswer } from "./exchange.ts";

const KEEP_METHOD = [307, 308];
const AT_MOST = 5;

/**
 * Sends through one client for each origin; connects to that of `first` at once, and throws what `connect` throws. A redirect to
 * another host, or from https to http, is not followed, since requests carry keys: it is the answer.
 */
export function followingRedirects(first: URL, connect: (url: URL) => Http): Pick<Http, "request" | "close"> {
  const clients = new Map<string, Http>([[first.origin, connect(first)]]);
  const clientOf = (url: URL): Http => {
    const client = clients.get(url.origin) ?? connect(url);
    clients.set(url.origin, client);
    return client;
  };
  return {
    request: async (request) => {
      let { url } = request;
      for (let followed = 0; ; followed++) {
        const answer = await clientOf(url).request({ ...request, url });
        const next = followed < AT_MOST ? nextOf(answer, url) : undefined;
        if (next === undefined) return answer;
        url = next;
      }
    },
    close: () => {
      for (const client of clients.values()) client.close();
    },
  };
}

function nextOf({ status, headers: { location = "" } }: HttpAnswer, from: URL): URL | undefined {
  const to = KEEP_METHOD.includes(status) && location !== "" ? URL.parse(location, from) : null;
  const isSafe = to?.protocol === from.protocol || to?.protocol === "https:";
  if (to === null || !isSafe || to.hostname !== from.hostname) return undefined;
  to.username = from.username;
  to.password = from.password;
  return to;
}
