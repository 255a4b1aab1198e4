import { z } from "zod";
import { ExportScope } from "../../domain/compliance/events.ts";
import { TenantName, Uuid } from "../../domain/ids.ts";

export const FORMAT = "scripta/export/v1";

const Count = z.int().min(0);
const At = z.iso.datetime({ precision: 3 });

/** What an archive says of itself; signed by the verifiable log's key. */
export const Manifest = z.strictObject({
  format: z.literal(FORMAT),
  exportId: Uuid,
  tenant: TenantName,
  asked: ExportScope,
  /** Of the files that people read; raised when any format writes other bytes. */
  rendering: z.int(),
  madeAt: At,
  /** Up to where the log is in it, and under which checkpoint. */
  position: Count,
  checkpoint: z.strictObject({ origin: z.string(), size: Count, root: z.base64() }),
  streams: z.array(
    z.strictObject({
      stream: z.string(),
      evidence: z.string(),
      events: Count,
      shown: Count,
      withheld: Count,
      readable: Count,
      held: Count,
      erased: Count,
      closed: Count,
      lastIndex: z.int(),
    }),
  ),
  /** The list of all other files, as `sha256sum` writes it. */
  files: z.strictObject({ list: z.string(), count: Count, sha256: z.string() }),
});
export type Manifest = z.output<typeof Manifest>;

/** What is signed: that this manifest is the log's own word. */
export const manifestText = (
  { exportId, tenant, position, checkpoint }: Pick<Manifest, "exportId" | "tenant" | "position" | "checkpoint">,
  sha256: string,
): string =>
  `${[
    FORMAT,
    `export ${exportId}`,
    `tenant ${tenant}`,
    `manifest ${sha256}`,
    `position ${position}`,
    `checkpoint ${checkpoint.size} ${checkpoint.root}`,
  ].join("\n")}\n`;

/** Where things lie in an archive. */
export const places = {
  readme: "README.txt",
  checkpoint: "checkpoint.note",
  keys: "verifier.key",
  people: "people.jsonl",
  accesses: "accesses.jsonl",
  marks: "marks.jsonl",
  files: "files.txt",
  manifest: "manifest.json",
  note: "manifest.note",
} as const;

/** `log/conversation-<uuid>.jsonl` */
export const evidencePath = (stream: string): string => `log/${stream.slice(stream.indexOf("/") + 1)}.jsonl`;
