import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { hexOf } from "../../compliance/verifier/bytes.ts";
import { checkProof, type LoggedFact, type Verdict } from "../../compliance/verifier/checkProof.ts";
import type { Cosigner } from "../../compliance/verifier/cosignature.ts";
import { exitCodes } from "../exitCodes.ts";
import { print } from "../print.ts";
import { keysFrom } from "./keysFrom.ts";
import { isReached, type QuorumFlags, quorumLines, quorumOf } from "./quorum.ts";

/** Checks a proof without any server; exit code 1 where something does not fit. */
export async function checkProofCommand(
  file: string,
  flags: QuorumFlags & { readonly key: string; readonly json?: boolean },
): Promise<number> {
  const json = file === "-" ? await textOf(process.stdin) : await readFile(file, "utf8");
  const quorum = await quorumOf(flags);
  const verdict = await checkProof(json, await keysFrom(flags.key), quorum.witnesses);
  const cosigners = verdict.verdict === "tampered" ? [] : cosignersOfAll(verdict);
  const witnessed = isReached(quorum, cosigners);
  const facts = { ...factsOf(verdict), ...(quorum.witnesses.length > 0 ? { witnessed, cosigners } : {}) };
  print(facts, flags.json, [
    ...linesOf(verdict),
    ...(verdict.verdict === "tampered" ? [] : quorumLines(quorum, cosigners)),
  ]);
  return verdict.verdict === "tampered" || !witnessed ? exitCodes.failed : exitCodes.done;
}

/** Who cosigned whatever the verdict rests on: of what was erased the erasure, too. */
const cosignersOfAll = (it: Exclude<Verdict, { verdict: "tampered" }>): readonly Cosigner[] =>
  it.verdict === "erased"
    ? it.cosigners.filter(({ name }) => it.by.cosigners.some((other) => other.name === name))
    : it.cosigners;

function factsOf(it: Verdict) {
  if (it.verdict === "tampered") return it;
  const { index, checkpoint, opening } = it;
  return {
    verdict: it.verdict,
    ...("content" in it ? { content: it.content } : {}),
    index,
    checkpoint: { ...checkpoint, root: hexOf(checkpoint.root) },
    stream: opening.stream,
    revision: opening.revision,
    recordedAt: new Date(opening.recordedAt).toISOString(),
    event: opening.event,
    ...(it.verdict === "erased" ? { erasedBy: { index: it.by.index, stream: it.by.opening.stream } } : {}),
  };
}

const count = (n: number): string => n.toLocaleString("en-US");

function linesOf(it: Verdict): string[] {
  switch (it.verdict) {
    case "tampered":
      return [`tampered: ${it.why}`];
    case "erased":
      return [
        "erased: the content is gone, as the log says itself",
        ...logged(it),
        `erased by entry ${count(it.by.index)} of ${new Date(it.by.opening.recordedAt).toISOString()}: ${it.by.opening.stream}`,
      ];
    case "held":
      return ["held: the server says that a legal hold keeps the content; the proof does not open it", ...logged(it)];
    case "intact":
      return [`intact: ${saidIn(it.content)}`, ...logged(it)];
    default:
      return it satisfies never;
  }
}

function saidIn(content: unknown): string {
  if (content === undefined) return "it was logged as it is; the proof does not open its content";
  if (typeof content === "object" && content !== null && "text" in content) return JSON.stringify(content.text);
  return JSON.stringify(content);
}

function logged({ index, checkpoint, opening }: LoggedFact): string[] {
  const { stream, revision, recordedAt, event, sealed } = opening;
  const bound: unknown = sealed ? JSON.parse(sealed.aad) : [];
  const author = Array.isArray(bound) ? bound[5] : undefined;
  return [
    `${event.type}${typeof author === "string" ? ` by ${author}` : ""}, recorded ${new Date(recordedAt).toISOString()}`,
    `in ${stream}, revision ${revision}`,
    `logged as entry ${count(index)}, under the checkpoint of ${count(checkpoint.size)} entries of ${checkpoint.origin}`,
  ];
}
