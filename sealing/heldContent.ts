import { createSecretKey } from "node:crypto";
import { upcastContent } from "../domain/upcasters.ts";
import type { Holds } from "../infra/ports/holds.ts";
import { openingOf, openWith } from "./seal.ts";
import { ContentTampered, type Opened, type Sealing, type ToOpen } from "./sealing.ts";

export type OpenedOrHeld = Opened | { readonly state: "held"; readonly content: unknown };

/**
 * Opens also what is erased to everybody else and kept by a hold: for the role `compliance`, and nobody else. In the order
 * given, of one tenant; nothing that only a hold opens is cached.
 * @throws KeysUnavailable, ContentTampered
 */
export async function openWithHolds(
  sealing: Pick<Sealing, "open">,
  holds: Pick<Holds, "heldKeys">,
  tenant: string,
  what: readonly ToOpen[],
): Promise<OpenedOrHeld[]> {
  const opened = await sealing.open(what);
  const gone = what.filter((_, at) => opened[at]?.state === "erased");
  const names = gone.map(({ stream, sealed: { subject, bucket } }) => ({ stream, subject, bucket }));
  const kept = gone.length > 0 ? await holds.heldKeys(tenant, names) : [];
  const keys = new Map(gone.map((one, at) => [one, kept[at]]));
  return what.map((one, at): OpenedOrHeld => {
    const key = keys.get(one);
    return key ? { state: "held", content: openHeld(one, key) } : (opened[at] ?? { state: "erased" });
  });
}

function openHeld({ id, type, version, stream, sealed }: ToOpen, key: Uint8Array): unknown {
  const { subject, bucket, nonce } = sealed;
  const plain = openWith(
    openingOf(createSecretKey(key), nonce),
    { id, type, version, stream, subject, bucket },
    sealed,
  );
  if (!plain) throw new ContentTampered(`the sealed part of ${type} ${id} in ${stream} was altered`);
  return upcastContent(type, version, JSON.parse(plain.toString("utf8")));
}
