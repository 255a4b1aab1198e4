import { exitCodes } from "../exitCodes.ts";
import { proofPage } from "./page/proofPage.ts";

/** Prints a page that checks proofs, for people without a terminal. */
export async function proofPageCommand(): Promise<number> {
  // That Node calls what strips types experimental says nothing to whoever asked for a page.
  process.removeAllListeners("warning");
  process.stdout.write(proofPage());
  return exitCodes.done;
}
