import { createHash, hash } from "node:crypto";
import { z } from "zod";
import { MalformedEvent } from "../../../domain/catalogue.ts";
import { parseStreamId } from "../../../domain/ids.ts";
import { base64Of, equal, fromBase64 } from "../../verifier/bytes.ts";
import { type Checkpoint, CheckpointNotSigned, openCheckpoint } from "../../verifier/checkpoint.ts";
import { Coverage } from "../../verifier/coverage.ts";
import { parseNote, parseVerifierKey, type VerifierKey, verifiedText } from "../../verifier/note.ts";
import { EvidenceFault, type ShownEvent, StreamEvidence } from "../../verifier/streamEvidence.ts";
import type { Entry } from "../entry.ts";
import { formats, RENDERING } from "../formats/all.ts";
import { filesOf } from "../makeArchive.ts";
import { evidencePath, Manifest, manifestText, places } from "../manifest.ts";
import { entriesOfShown } from "../told.ts";
import {
  type ArchiveFiles,
  BrokenArchive,
  linesOf,
  MissingPart,
  openArchive,
  summed,
  sumOf,
  wholeText,
} from "./archiveFiles.ts";

/** What a check came to. */
export interface ArchiveReport {
  readonly verdict: "complete" | "incomplete" | "tampered";
  /** What is missing or altered, and where; empty where all fits. */
  readonly faults: readonly string[];
  /** What the verdict does not rest on. */
  readonly notes: readonly string[];
  /** Undefined where none could be believed. */
  readonly manifest: Manifest | undefined;
}

/** Told how many events were checked. */
export type OnChecked = (events: number) => void;

/**
 * Checks an archive offline: by the log's verifier keys, where they are given, else by those that the archive brings.
 * @throws what keeps the file from being read at all
 */
export async function checkArchive(
  path: string,
  keys: readonly VerifierKey[] | undefined,
  onChecked: OnChecked = () => {},
): Promise<ArchiveReport> {
  const check = new Check(onChecked);
  try {
    const files = await openArchive(path);
    try {
      await check.run(files, keys);
    } finally {
      files.close();
    }
  } catch (error) {
    if (!(error instanceof BrokenArchive)) throw error;
    check.found(error);
  }
  const { faults, notes, manifest, lacks } = check;
  return { verdict: faults.length === 0 ? "complete" : lacks ? "incomplete" : "tampered", faults, notes, manifest };
}

/** Of one kind no more than so many are named. */
const MOST_NAMED = 50;
const Person = z.object({ userId: z.string(), displayName: z.string().nullable() });

class Check {
  readonly faults: string[] = [];
  readonly notes: string[] = [];
  manifest: Manifest | undefined;
  /** Something is not there; that sums differ then follows from it. */
  lacks = false;
  readonly #onChecked: OnChecked;
  readonly #coverage = new Coverage();
  readonly #names = new Map<string, string | null>();
  /** SHA-256 by path, as the archive lists them. */
  readonly #listed = new Map<string, string>();
  /** Files whose bytes were looked at on the way. */
  readonly #seen = new Set<string>();
  #checked = 0;

  constructor(onChecked: OnChecked) {
    this.#onChecked = onChecked;
  }

  found(error: BrokenArchive): void {
    if (error instanceof MissingPart) this.lacks = true;
    this.faults.push(error.message);
  }

  async run(files: ArchiveFiles, given: readonly VerifierKey[] | undefined): Promise<void> {
    const keys = given ?? (await this.#keysOf(files));
    const manifest = await this.#manifestOf(files, keys);
    const checkpoint = manifest && (await this.#checkpointOf(files, keys, manifest));
    if (!manifest || !checkpoint) return;
    this.manifest = manifest;
    await this.#listOf(files, manifest);
    await this.#people(files);
    for (const told of manifest.streams) await this.#stream(files, told, manifest, checkpoint);
    for (const where of this.#coverage.uncovered().slice(0, MOST_NAMED))
      this.faults.push(`${where}: its content is said to be erased, and no erasure or retention is shown that took it`);
    await this.#rest(files, manifest);
  }

  async #keysOf(files: ArchiveFiles): Promise<VerifierKey[]> {
    this.notes.push("no key was given: it was checked by the key that it brings itself, which anybody could have made");
    const lines = (await wholeText(files.read(places.keys))).split("\n").filter((line) => line !== "");
    try {
      return lines.map(parseVerifierKey);
    } catch (error) {
      throw new BrokenArchive(`${places.keys}: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #manifestOf(files: ArchiveFiles, keys: readonly VerifierKey[]): Promise<Manifest | undefined> {
    const text = await wholeText(files.read(places.manifest));
    const signed = await this.#signedText(files, keys);
    if (signed === undefined) return undefined;
    this.#seen.add(places.manifest).add(places.note);
    const parsed = Manifest.safeParse(jsonIn(text));
    if (!parsed.success || signed !== manifestText(parsed.data, hash("sha256", text))) {
      this.faults.push(`${places.manifest} is not the one that was signed`);
      return undefined;
    }
    return parsed.data;
  }

  async #signedText(files: ArchiveFiles, keys: readonly VerifierKey[]): Promise<string | undefined> {
    try {
      const signed = await verifiedText(parseNote(await wholeText(files.read(places.note))), keys);
      if (signed === undefined) this.faults.push(`${places.note} is not signed by this key`);
      return signed;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.faults.push(`${places.note}: ${error.message}`);
      return undefined;
    }
  }

  async #checkpointOf(
    files: ArchiveFiles,
    keys: readonly VerifierKey[],
    { checkpoint: said }: Manifest,
  ): Promise<Checkpoint | undefined> {
    try {
      const checkpoint = await openCheckpoint(await wholeText(files.read(places.checkpoint)), keys);
      if (
        checkpoint.origin === said.origin &&
        checkpoint.size === said.size &&
        equal(checkpoint.root, fromBase64(said.root))
      )
        return checkpoint;
      this.faults.push(`${places.checkpoint} is not the one of the manifest: ${base64Of(checkpoint.root)}`);
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof CheckpointNotSigned)) throw error;
      this.faults.push(`${places.checkpoint}: ${error.message}`);
    }
    return undefined;
  }

  async #listOf(files: ArchiveFiles, { files: { list, count, sha256 } }: Manifest): Promise<void> {
    const sum = createHash("sha256");
    for await (const line of linesOf(summed(files.read(list), sum), list)) {
      const [, digest, path] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
      if (digest && path) this.#listed.set(path, digest);
    }
    this.#seen.add(list);
    if (sum.digest("hex") !== sha256 || this.#listed.size !== count)
      this.faults.push(`${list} was altered: it is not the one that was signed`);
  }

  async #people(files: ArchiveFiles): Promise<void> {
    await this.#listedLines(files, places.people, async (line) => {
      const person = Person.safeParse(jsonIn(line));
      if (person.success) this.#names.set(person.data.userId, person.data.displayName);
    });
  }

  /** Hands over each line of a file whose sum is compared on the way. False where it is not the one that is listed. */
  async #listedLines(files: ArchiveFiles, path: string, take: (line: string) => Promise<void>): Promise<boolean> {
    this.#seen.add(path);
    if (!files.names.includes(path)) {
      this.#misses(path);
      return false;
    }
    const sum = createHash("sha256");
    for await (const line of linesOf(summed(files.read(path), sum), path)) await take(line);
    return this.#compare(path, sum.digest("hex"));
  }

  #misses(path: string): void {
    this.found(new MissingPart(`${path} is missing`));
  }

  #compare(path: string, digest: string): boolean {
    const listed = this.#listed.get(path);
    if (listed === digest) return true;
    this.faults.push(
      listed === undefined
        ? `${path} is not of this archive`
        : `${path} was altered: its SHA-256 is not that of ${places.files}`,
    );
    return false;
  }

  /** The evidence of a stream, and whether what is told of it is what that evidence tells. */
  async #stream(
    files: ArchiveFiles,
    told: Manifest["streams"][number],
    manifest: Manifest,
    checkpoint: Checkpoint,
  ): Promise<void> {
    const { stream } = told;
    const evidence = new StreamEvidence(stream, checkpoint);
    const counts = { events: 0, shown: 0, withheld: 0, readable: 0, held: 0, erased: 0, closed: 0, lastIndex: -1 };
    const take = async (line: string): Promise<ShownEvent | undefined> => {
      const checked = await evidence.take(line);
      if (checked.is === "proof") return undefined;
      counts.events++;
      counts.lastIndex = checked.event.index;
      counts[checked.is]++;
      if (++this.#checked % 1_000 === 0) this.#onChecked(this.#checked);
      if (checked.is === "withheld") return undefined;
      if (checked.event.sealed) counts[checked.event.sealed.state]++;
      this.#coverage.take(checked.event);
      return checked.event;
    };
    try {
      const { kind, tenant } = parseStreamId(stream);
      const isToldHere = formats[manifest.asked.format].tells.includes(kind) && manifest.rendering === RENDERING;
      const isListed = isToldHere
        ? await this.#rendering(files, stream, manifest, take)
        : await this.#listedLines(files, evidencePath(stream), async (line) => void (await take(line)));
      const events = evidence.end();
      const { evidence: path, stream: _, ...said } = told;
      const isWhole = tenant === manifest.tenant && path === evidencePath(stream) && events === told.events;
      if (isListed && (!isWhole || JSON.stringify(said) !== JSON.stringify(counts)))
        this.faults.push(`${path}: it does not hold what the manifest says: ${JSON.stringify(counts)}`);
    } catch (error) {
      if (error instanceof EvidenceFault || error instanceof BrokenArchive)
        this.faults.push(`${evidencePath(stream)}: ${error.message}`);
      else if (error instanceof MalformedEvent || error instanceof SyntaxError || error instanceof z.ZodError)
        this.faults.push(`${evidencePath(stream)}: after ${counts.events} events one is not of its shape`);
      else throw error;
      if (await hasFewer(files, evidencePath(stream), told.events)) this.lacks = true;
    }
  }

  /** Makes the files anew that people read, of the evidence, and compares them with those that are there. */
  async #rendering(
    files: ArchiveFiles,
    stream: string,
    manifest: Manifest,
    take: (line: string) => Promise<ShownEvent | undefined>,
  ): Promise<boolean> {
    const { tenant, kind, id: of } = parseStreamId(stream);
    const path = evidencePath(stream);
    this.#seen.add(path);
    const sum = createHash("sha256");
    async function* entries(): AsyncGenerator<Entry> {
      for await (const line of linesOf(summed(files.read(path), sum), path)) {
        const shown = await take(line);
        if (shown) yield* entriesOfShown(shown);
      }
    }
    const nameOf = (userId: string) => this.#names.get(userId) ?? null;
    const pieces = formats[manifest.asked.format].render({ tenant, kind, of, entries: entries(), nameOf });
    const made = new Map<string, string>();
    for await (const file of filesOf(pieces)) {
      const madeSum = createHash("sha256");
      for await (const piece of file.pieces) madeSum.update(piece, "utf8");
      made.set(file.path, madeSum.digest("hex"));
      if (this.#listed.get(file.path) !== made.get(file.path))
        if (this.#listed.has(file.path)) this.faults.push(`${file.path} is not what the evidence tells`);
        else this.found(new MissingPart(`${file.path} is missing: the evidence tells it`));
    }
    return this.#compare(path, sum.digest("hex"));
  }

  /** Every file that is listed is there as it was, and no other. */
  async #rest(files: ArchiveFiles, { rendering }: Manifest): Promise<void> {
    const there = new Set(files.names);
    const missing = [...this.#listed.keys()].filter((path) => !there.has(path) && !this.#seen.has(path));
    for (const path of missing.slice(0, MOST_NAMED)) this.#misses(path);
    for (const path of files.names) if (!this.#seen.has(path)) this.#compare(path, await sumOf(files.read(path)));
    if (rendering !== RENDERING)
      this.notes.push(
        `it was written by another version (${rendering}, this one has ${RENDERING}): what is to be read was not made anew of the evidence, and rests on the signature alone`,
      );
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever parses the shape refuses it.
    return undefined;
  }
}

/** Whether a file of evidence has fewer events than were signed for, or is not there. */
async function hasFewer(files: ArchiveFiles, path: string, events: number): Promise<boolean> {
  let found = 0;
  try {
    for await (const line of linesOf(files.read(path), path)) if (!line.startsWith('{"proof"')) found++;
  } catch (error) {
    if (!(error instanceof BrokenArchive)) throw error;
    return error instanceof MissingPart;
  }
  return found < events;
}
