import type { Erasure } from "./readErasure.ts";
import type { ErasureSink } from "./sink.ts";

export type ErasureStep =
  | { readonly do: "prepare" }
  | { readonly do: "sweep"; readonly sink: ErasureSink }
  | { readonly do: "destroy" }
  /** Until then some process may still open what it holds; milliseconds since 1970. */
  | { readonly do: "wait"; readonly until: number }
  | { readonly do: "complete" }
  | { readonly do: "certify"; readonly of: "completion" | "finality" }
  | { readonly do: "finalise" }
  | { readonly do: "close" };

/**
 * What is to be done next. It follows from what the log tells alone, so whoever was killed at any step is followed by
 * another who goes on.
 * @param now milliseconds since 1970
 */
export function nextStep(
  erasure: Erasure,
  sinks: readonly ErasureSink[],
  now: number,
  certifies: boolean,
): ErasureStep {
  const { namesToReview, effectiveAt, swept, completedAt, finalAt, certificates } = erasure;
  const unswept = (when: ErasureSink["when"]) => sinks.find((sink) => sink.when === when && !swept.has(sink.name));
  if (completedAt === undefined) {
    // Names can be compared only while they can be read.
    if (namesToReview === undefined && effectiveAt === undefined) return { do: "prepare" };
    const before = unswept("before");
    if (before) return { do: "sweep", sink: before };
    if (effectiveAt === undefined) return { do: "destroy" };
    // What is swept or told earlier could still be read, or told, from what another process holds.
    if (now < effectiveAt) return { do: "wait", until: effectiveAt };
    const after = unswept("after");
    return after ? { do: "sweep", sink: after } : { do: "complete" };
  }
  if (certifies && certificates.completion === undefined) return { do: "certify", of: "completion" };
  if (finalAt === undefined) return { do: "finalise" };
  if (certifies && certificates.finality === undefined) return { do: "certify", of: "finality" };
  return { do: "close" };
}
