import { hash } from "node:crypto";
import type { Readable } from "node:stream";
import { byTenant } from "../../accounts/byTenant.ts";
import { ExportGivenOut } from "../../domain/compliance/events.ts";
import { parseStreamId, type StreamId } from "../../domain/ids.ts";
import { sayInCase } from "../complianceCase.ts";
import { erasureOf } from "../proof/covering.ts";
import { signedPlace } from "../proof/proveEvent.ts";
import { RetentionUnderWay, retiring } from "../retention/retiring.ts";
import { originOf } from "../tlog/origin.ts";
import { base64Of } from "../verifier/bytes.ts";
import { parseCheckpoint } from "../verifier/checkpoint.ts";
import { parseNote } from "../verifier/note.ts";
import { accessesTo } from "./accessesTo.ts";
import { evidenceOf, nothingYet, type StreamCounts } from "./evidence.ts";
import type { Export } from "./export.ts";
import { formats, RENDERING } from "./formats/all.ts";
import type { Piece } from "./formats/format.ts";
import { evidencePath, FORMAT, type Manifest, manifestText, places } from "./manifest.ts";
import { marksIn } from "./marksIn.ts";
import { Names } from "./names.ts";
import type { ExportParts } from "./parts.ts";
import { readMe } from "./readMe.ts";
import { ofErasures, type Selection } from "./selection.ts";
import { selectionOf } from "./selectionOf.ts";
import { entriesIn } from "./told.ts";
import { ExportSwept } from "./underWay.ts";
import { ZipWriter } from "./zipWriter.ts";

/** What an archive came to hold. */
export interface Made {
  /** SHA-256 in hex. */
  readonly manifest: string;
  readonly position: number;
  readonly streams: number;
  readonly events: number;
  readonly files: number;
}

/** An archive of which not a byte was written yet. */
export interface Archive {
  /** What it is made of, in its order. */
  readonly streams: readonly StreamId[];
  /** Bytes of the zip: they come as fast as they are taken. */
  readonly output: Readable;
  /** Writes all of it; nothing whole is given out where this rejects. */
  write(): Promise<Made>;
}

/** Told how many events of how many streams are written. */
export type OnProgress = (events: number, stream: string) => void;

export interface HowToMake {
  readonly signal: AbortSignal;
  /** How long a checkpoint over what was just committed is waited for, in ms. */
  readonly signedWithinMs?: number;
  readonly onProgress?: OnProgress;
}

/**
 * Prepares the archive of an export, up to where the log is now: after this resolves it can be written.
 * @throws NotSignedYet, RetentionUnderWay, KeysUnavailable, LogUnavailable; while it is written also UnreadableForExport, ExportSwept
 */
export async function prepareArchive(parts: ExportParts, it: Export, how: HowToMake): Promise<Archive> {
  const { log, secrets } = parts;
  // In this order: of what was gone before the ledger's head the log tells by then, or it is still going.
  const { head } = await secrets.ledger(Number.MAX_SAFE_INTEGER);
  const going = await retiring(parts.database, it.tenant);
  const { position } = await log.head();
  const origin = originOf(parts.name, await log.epoch());
  const selection = await selectionOf(parts, it);
  if (selection.streams.some((stream) => going.has(parseStreamId(stream).id)))
    throw new RetentionUnderWay("days of what is exported are going by retention");
  const { checkpoint } = await signedPlace(position, parts, how.signedWithinMs);
  const { size, root } = parseCheckpoint(parseNote(checkpoint.note).text);
  const madeAt = new Date(parts.accounts.engine.clock.now());
  const zip = new ZipWriter(madeAt, how.signal);
  const under = { origin, size, root: base64Of(root) };
  const archive = new Writing(parts, it, how, { zip, position, size });
  return {
    streams: selection.streams,
    output: zip.output,
    async write() {
      await zip.add(places.readme, [readMe(it)]);
      await zip.add(places.checkpoint, [checkpoint.note]);
      await zip.add(
        places.keys,
        (await parts.signer.verifierKeys(origin)).map((key) => `${key}\n`),
      );
      await archive.streams(selection);
      await archive.erasures();
      await archive.person(selection);
      await zip.add(places.people, archive.names.lines());
      await assertNobodyErased(parts, it, head, selection);
      const sums = zip.sums.join("");
      const files = { list: places.files, count: zip.sums.length, sha256: hash("sha256", sums) };
      await zip.add(places.files, zip.sums.slice());
      const manifest: Manifest = {
        format: FORMAT,
        exportId: it.exportId,
        tenant: it.tenant,
        asked: it.scope,
        rendering: RENDERING,
        madeAt: madeAt.toISOString(),
        position,
        checkpoint: under,
        streams: archive.told,
        files,
      };
      const text = `${JSON.stringify(manifest, null, 2)}\n`;
      const sha256 = hash("sha256", text);
      await zip.add(places.manifest, [text]);
      await zip.add(places.note, [await parts.signer.signNote(origin, manifestText(manifest, sha256))]);
      const made = {
        manifest: sha256,
        position,
        streams: archive.told.length,
        events: archive.events,
        files: files.count,
      };
      // Nobody has it whole before the log tells that it was given out.
      const { engine } = parts.accounts;
      await sayInCase(engine, it.exportId, byTenant(engine, it.tenant), ExportGivenOut(made));
      zip.end();
      return made;
    },
  };
}

/** What was erased or retired meanwhile may be in what was written before. @throws ExportSwept */
async function assertNobodyErased(
  { secrets }: ExportParts,
  { tenant }: Export,
  head: number,
  { streams }: Selection,
): Promise<void> {
  const { destroyed } = await secrets.ledger(head);
  const exported = new Set<string>(streams);
  if (destroyed.some((name) => name.tenant === tenant && (name.bucket === undefined || exported.has(name.of))))
    throw new ExportSwept("something was erased, or went by retention, meanwhile: begin anew");
}

/** The parts of an archive, in their order. */
class Writing {
  readonly told: Manifest["streams"] = [];
  readonly names: Names;
  events = 0;
  readonly #parts: ExportParts;
  readonly #export: Export;
  readonly #how: HowToMake;
  readonly #to: { readonly zip: ZipWriter; readonly position: number; readonly size: number };
  /** Whose content is gone. */
  readonly #erased = new Set<string>();

  constructor(
    parts: ExportParts,
    it: Export,
    how: HowToMake,
    to: { readonly zip: ZipWriter; readonly position: number; readonly size: number },
  ) {
    this.#parts = parts;
    this.#export = it;
    this.#how = how;
    this.#to = to;
    this.names = new Names(parts, it.tenant);
  }

  /** Of each stream its evidence, and then how people read it. */
  async streams(selection: Selection): Promise<void> {
    for (const stream of selection.streams) {
      const isThere = await this.#evidence(stream, selection);
      if (isThere) await this.#rendering(stream, selection);
    }
  }

  /** That what is gone was erased, as the log tells it. */
  async erasures(): Promise<void> {
    const streams = new Set<StreamId>();
    for (const subject of this.#erased) {
      const erasure = await erasureOf(this.#parts, this.#export.tenant, subject);
      if (erasure && erasure.position <= this.#to.position) streams.add(erasure.stream);
    }
    const selection = ofErasures([...streams].sort());
    for (const stream of selection.streams) await this.#evidence(stream, selection);
  }

  /** What is known of a person beside the log: who saw what of them, and how far they read. */
  async person({ streams }: Selection): Promise<void> {
    const { tenant, scope } = this.#export;
    if (scope.userId === undefined) return;
    const named = streams.map(parseStreamId).flatMap(({ kind, id }) => (kind === "conversation" ? [id] : []));
    const { database } = this.#parts;
    await this.#to.zip.add(places.accesses, accessesTo(database, tenant, scope.userId));
    await this.#to.zip.add(places.marks, marksIn(database, tenant, scope.userId, named));
  }

  async #evidence(stream: StreamId, selection: Selection): Promise<boolean> {
    const { zip, position: upTo, size } = this.#to;
    const { signal, onProgress } = this.#how;
    const counts: StreamCounts = nothingYet();
    const asked = { stream, selection, upTo, size, signal };
    const lines = evidenceOf(this.#parts, asked, counts, (subject) => this.#erased.add(subject));
    const first = await lines.next();
    if (first.done) return false;
    const evidence = evidencePath(stream);
    await zip.add(evidence, this.#counted(stream, counts, first.value, lines, onProgress));
    this.events += counts.events;
    this.told.push({ stream, evidence, ...counts });
    return true;
  }

  async *#counted(
    stream: string,
    counts: StreamCounts,
    first: string,
    lines: AsyncIterable<string>,
    onProgress: OnProgress = () => {},
  ): AsyncGenerator<string> {
    yield first;
    for await (const line of lines) {
      onProgress(this.events + counts.events, stream);
      yield line;
    }
  }

  async #rendering(stream: StreamId, selection: Selection): Promise<void> {
    const format = formats[this.#export.scope.format];
    const { tenant, kind, id: of } = parseStreamId(stream);
    if (!format.tells.includes(kind)) return;
    const { zip, position: upTo } = this.#to;
    const entries = entriesIn(this.#parts, { stream, selection, upTo, signal: this.#how.signal }, this.names);
    for await (const file of filesOf(format.render({ tenant, kind, of, entries, nameOf: this.names.of })))
      await zip.add(file.path, file.pieces);
  }
}

/** Pieces of one path that follow each other, as a file. Each is to be read before the next one is asked for. */
export async function* filesOf(
  pieces: AsyncIterable<Piece>,
): AsyncGenerator<{ readonly path: string; readonly pieces: AsyncIterable<string> }> {
  const all = pieces[Symbol.asyncIterator]();
  let next = await all.next();
  while (!next.done) {
    const { path } = next.value;
    yield {
      path,
      pieces: (async function* () {
        while (!next.done && next.value.path === path) {
          yield next.value.text;
          next = await all.next();
        }
      })(),
    };
  }
}
