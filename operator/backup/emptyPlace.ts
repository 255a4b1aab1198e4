import { mkdir, readdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { CommandFailed } from "../commandFailed.ts";

/** What a file system of its own has from the beginning. */
const ALWAYS_THERE: ReadonlySet<string> = new Set(["lost+found"]);

const entriesOf = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => !ALWAYS_THERE.has(name));

/** Makes the folder where it is missing. @throws CommandFailed where anything is in it */
export async function assertEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [first] = await entriesOf(folder);
  if (first !== undefined)
    throw new CommandFailed(
      `${folder} is not empty (${first} is in it): a backup is restored into an empty place alone, and replaces nothing`,
    );
}

/** Takes out all that is in a folder, and the database where that lies elsewhere behind a link. */
export async function empty(folder: string): Promise<void> {
  const database = await realpath(join(folder, "postgres")).catch(() => undefined);
  if (database !== undefined) await rm(database, { recursive: true, force: true, maxRetries: 5 });
  for (const name of await entriesOf(folder)) await rm(join(folder, name), { recursive: true, force: true });
}
