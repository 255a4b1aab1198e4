import { exitCodes } from "../exitCodes.ts";

/**
 * Runs work whose signal is raised by Ctrl-C; the exit code then says so, once the work has ended.
 * @param said what is told then
 */
export async function interruptible(said: string, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const stopping = new AbortController();
  const interrupted = () => stopping.abort();
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  try {
    return await work(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    process.stderr.write(`scripta: ${said}\n`);
    return exitCodes.interrupted;
  } finally {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
  }
}
