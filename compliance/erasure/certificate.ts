import type { Erasure } from "./readErasure.ts";

const at = (ms: number): string => new Date(ms).toISOString();

/** What the certificate of an erasure says, before it is signed: ids, times and counts alone. */
export function certificateText(
  erasure: Erasure,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
): string {
  const { erasureId, userId, requestedAt, effectiveAt, finalAt, swept, completedAt } = erasure;
  if (effectiveAt === undefined || completedAt === undefined)
    throw new Error(`the erasure ${erasureId} is not completed: nothing can be certified of it`);
  const lines = [
    "scripta/erasure/v1",
    `erasure ${erasureId}`,
    `person ${userId}`,
    `requested ${at(requestedAt)}`,
    `effective ${at(effectiveAt)}`,
    `final ${finalAt === undefined ? "pending" : at(finalAt)}`,
    ...[...swept].map(([sink, { items }]) => `sink ${sink} ${items}`),
    `position ${completedAt}`,
    `checkpoint ${size} ${Buffer.from(root).toString("base64")}`,
  ];
  return `${lines.join("\n")}\n`;
}
