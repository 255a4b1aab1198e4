/** Another process rebuilds this read model. */
export class RebuildRunning extends Error {
  override name = "RebuildRunning";
}

/** Somebody dropped the second generation while it was being built. */
export class RebuildGivenUp extends Error {
  override name = "RebuildGivenUp";
}

/** It was told to stop; what was built stays, and the next rebuild goes on from there. */
export class RebuildStopped extends Error {
  override name = "RebuildStopped";
}

/** It cannot go on now; what was built stays. */
export class RebuildStuck extends Error {
  override name = "RebuildStuck";
}
