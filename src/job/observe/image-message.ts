// Whether an image that cannot be pulled is the run's own fault: by what registries, containerd, CRI-O and Docker write. Names
// of images and hosts are taken out first: an image may be called `denied:403`.

import { STATUS_CODES } from "node:http";
import type { Patience } from "./problem.ts";

interface Words {
  readonly patience: Patience;
  readonly pattern?: RegExp;
  /** HTTP statuses of the registry. */
  readonly statuses?: readonly number[];
}

/**
 * The first that fits decides; what fits none is passing. Sources: distribution-spec (error codes), containerd
 * core/remotes/docker (resolver.go, authorizer.go), kubelet pkg/kubelet/images (image_manager.go, puller.go), Docker
 * distribution/registry (errcode), Amazon ECR and Docker Hub (rate limits, expired tokens).
 */
const IMAGE_WORDS: readonly Words[] = [
  { patience: "passing", statuses: [429] },
  { patience: "start", pattern: /\bwas deleted or has expired\b/i },
  { patience: "passing", pattern: /toomanyrequests|too many requests|pull QPS exceeded|has expired/i },
  { patience: "start", statuses: [401, 403] },
  {
    patience: "start",
    pattern: /\bno match(?:ing manifest)? for\b|\bno image found in (?:image index|manifest list)\b/i,
  },
  // The node's own copy is broken or cannot be written (containerd#3937, #7674, moby#52411, nerdctl#2464, orbstack#1037), a page of a
  // proxy came, or the node's firewall says no.
  {
    patience: "passing",
    pattern:
      /\b(?:content digest|parent snapshot|missing parent|extract layer|processing tar file|unexpected media type)\b|\blease "[^"]+": not found|connect: permission denied/i,
  },
  { patience: "start", pattern: /\bnot found\b|\bdenied\b|\bunauthorized\b|\bno basic auth credentials\b/i },
  { patience: "start", pattern: /\b(?:manifest|name)[ _]unknown\b|\brepository does not exist\b/i },
  {
    patience: "start",
    pattern: /\binsufficient[_ ]scope\b|\bno match for platform\b|\bErrImageNeverPull\b/i,
  },
];

const STATUS = new RegExp(
  String.raw`\b(?:status ?(?:code)?(?: from registry)?|HTTP(?:/[\d.]+)?)\b[^\w]{0,3}(\d{3})\b(?![.:]\d)|\b(\d{3}) \(?(?:${Object.values(STATUS_CODES).join("|")})\b`,
  "gi",
);
/** Paths, digests, images with a tag, hosts and addresses. */
const NAMES = /\S*[/@]\S*|\bsha256:[0-9a-f]+|\S+\.\S+(?::\d+)?/gi;

/** How long to wait for the image; undefined: the message has no cause, as `Back-off pulling image "x"` of old kubelets. */
export function imagePatience(message: string, image: string): Patience | undefined {
  const text = withoutNames(message, image);
  if (text.replace(/^Back-off pulling image\W*/i, "").trim() === "") return undefined;
  const statuses = [...text.matchAll(STATUS)].map((match) => Number(match[1] ?? match[2]));
  const fits = ({ pattern, statuses: of = [] }: Words): boolean =>
    pattern?.test(text) === true || statuses.some((status) => of.includes(status));
  return IMAGE_WORDS.find(fits)?.patience ?? "passing";
}

function withoutNames(message: string, image: string): string {
  const isName = (word: string): boolean => word.replaceAll(/^["'`(]+|["'`),;:.]+$/g, "") === image;
  const words = message.split(/\s+/).filter((word) => image === "" || !isName(word));
  return words.join(" ").replaceAll(NAMES, (name) => (name.endsWith(":") ? ":" : " "));
}
