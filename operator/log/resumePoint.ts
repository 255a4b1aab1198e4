import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import { CommandFailed } from "../commandFailed.ts";

const Line = z.object({ position: z.int().min(1), stream: z.string() });

/** Of every line. */
const BEGINNING = '{"position":';
/** More than the longest line of an export. */
const TAIL_BYTES = 4 * 1024 * 1024;

/**
 * The position at which an export into this file goes on: after its last whole line; a line that was cut is taken away.
 * @param wanted where somebody asks to begin: only an empty file takes what does not follow
 * @throws CommandFailed where the file holds something else
 */
export async function resumePoint(file: FileHandle, path: string, wanted: number | undefined): Promise<number> {
  const { size } = await file.stat();
  if (size === 0) return wanted ?? 1;
  const length = Math.min(size, TAIL_BYTES);
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
  const end = buffer.lastIndexOf("\n") + 1;
  // Stopped within its very first line.
  if (end === 0 && length === size && buffer.toString("utf8", 0, BEGINNING.length) === BEGINNING.slice(0, size)) {
    await file.truncate(0);
    return wanted ?? 1;
  }
  const last = end === 0 ? undefined : lineIn(buffer.toString("utf8", buffer.lastIndexOf("\n", end - 2) + 1, end));
  if (!last) throw new CommandFailed(`${path} is there and is no export of the log: name another file`);
  const next = last.position + 1;
  if (wanted !== undefined && wanted !== next)
    throw new CommandFailed(
      `${path} ends with position ${last.position}: it goes on from ${next}, or into another file`,
    );
  await file.truncate(size - length + end);
  return next;
}

function lineIn(text: string): z.infer<typeof Line> | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
