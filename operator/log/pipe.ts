import { once } from "node:events";

/** Standard output as others read it: as fast as they do, and no longer than they do. */
export interface Pipe {
  /** Resolves when more may be written; false once nobody reads any more. */
  write(text: string): Promise<boolean>;
  close(): void;
}

export function standardOutput(out: NodeJS.WriteStream = process.stdout): Pipe {
  let open = true;
  const broken = (error: NodeJS.ErrnoException) => {
    open = false;
    // `| head` has seen enough. All else is worth a word.
    if (error.code !== "EPIPE") process.stderr.write(`scripta: standard output: ${error.message}\n`);
  };
  out.on("error", broken);
  return {
    async write(text) {
      if (open && !out.write(text)) await once(out, "drain").catch(() => undefined);
      return open;
    },
    close: () => void out.off("error", broken),
  };
}
