/** An archive that cannot be imported. Its message names the entry, and what is wrong with it. */
export class ArchiveFault extends Error {
  override name = "ArchiveFault";
}
