/** An operator's command came to nothing; its message says why, and what to do. */
export class CommandFailed extends Error {
  override name = "CommandFailed";
}
