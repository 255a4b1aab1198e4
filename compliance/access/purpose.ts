import { randomUUID } from "node:crypto";
import { z } from "zod";
import { streamId, tenantId, Uuid, uuidV5 } from "../../domain/ids.ts";
import type { Holds } from "../../infra/ports/holds.ts";
import { openWithHolds } from "../../sealing/heldContent.ts";
import type { Sealing, ToOpen } from "../../sealing/sealing.ts";

/** As it stands in an entry: the words of whoever looked, under that person's secret. */
export const SealedPurpose = z.strictObject({
  id: Uuid,
  subject: Uuid,
  commitment: z.base64(),
  nonce: z.base64(),
  ciphertext: z.base64(),
});
type SealedPurpose = z.output<typeof SealedPurpose>;

const KIND = { type: "AccessPurpose", version: 1 } as const;
const LASTING = "-";
/** No such stream is in the log: the name is a part of the key. */
const streamOf = (tenant: string) => streamId(tenant, "compliance", uuidV5(JSON.stringify(["access", tenant])));

/** @param actor null: the operator, whose words are the tenant's. @throws KeysUnavailable, ContentErased */
export async function sealPurpose(
  sealing: Pick<Sealing, "seal">,
  tenant: string,
  actor: string | null,
  purpose: string,
): Promise<SealedPurpose> {
  const [id, subject] = [randomUUID(), actor ?? tenantId(tenant)];
  const [sealed] = await sealing.seal([
    { ...KIND, id, stream: streamOf(tenant), subject, bucket: LASTING, content: { purpose } },
  ]);
  if (!sealed) throw new Error("nothing was sealed");
  const { commitment, nonce, ciphertext } = sealed;
  return { id, subject, commitment: base64(commitment), nonce: base64(nonce), ciphertext: base64(ciphertext) };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** `held`: erased, and kept by a hold for the role compliance alone; `none`: none was given. */
export interface PurposeRead {
  readonly purpose: string | null;
  readonly purposeState: "none" | "readable" | "held" | "erased";
}

const Content = z.object({ purpose: z.string() });

/** In the order given. @param mayReadHeld whether words are shown that a hold alone still keeps. @throws KeysUnavailable */
export async function openPurposes(
  { sealing, holds }: { readonly sealing: Sealing; readonly holds: Holds },
  tenant: string,
  sealed: readonly (SealedPurpose | undefined)[],
  mayReadHeld: boolean,
): Promise<PurposeRead[]> {
  const given = sealed.filter((one) => one !== undefined);
  const opened = await openWithHolds(sealing, holds, tenant, given.map(toOpen(tenant)));
  const parts = new Map(given.map(({ id }, at) => [id, opened[at]]));
  return sealed.map((one) => {
    if (!one) return { purpose: null, purposeState: "none" };
    const part = parts.get(one.id);
    if (!part || part.state === "erased") return { purpose: null, purposeState: "erased" };
    const shown = part.state === "readable" || mayReadHeld;
    return { purpose: shown ? Content.parse(part.content).purpose : null, purposeState: part.state };
  });
}

const toOpen =
  (tenant: string) =>
  ({ id, subject, commitment, nonce, ciphertext }: SealedPurpose): ToOpen => ({
    ...KIND,
    id,
    stream: streamOf(tenant),
    sealed: {
      subject,
      bucket: LASTING,
      commitment: Buffer.from(commitment, "base64"),
      nonce: Buffer.from(nonce, "base64"),
      ciphertext: Buffer.from(ciphertext, "base64"),
    },
  });
