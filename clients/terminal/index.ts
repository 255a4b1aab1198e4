import { hostname } from "node:os";
import { isScriptaError, ScriptaClient } from "../sdk/index.ts";
import { chatLines } from "./chatLines.ts";
import { chatScreen } from "./chatScreen.ts";
import { askPassword, NoPassword } from "./password.ts";
import { claimSessionFile, type SessionFile } from "./sessionFile.ts";

export { safeLine, safeText } from "./safeText.ts";

export interface ChatOptions {
  readonly url: string;
  /** Username. */
  readonly user: string;
  readonly tenant?: string;
  /** Makes the account first; the display name, where it is not the username. */
  readonly register?: boolean;
  readonly displayName?: string;
}

/** Chat in a terminal. Resolves with the exit code once its user has quit. */
export async function chatCommand(options: ChatOptions): Promise<number> {
  const { url, user, tenant = "main" } = options;
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    process.stderr.write(`scripta: not an address of a server: ${url} (such as http://127.0.0.1:8080)\n`);
    return 1;
  }
  const file = await claimSessionFile({ url, tenant, user });
  try {
    const client = (await ScriptaClient.resume({ url, storage: file })) ?? (await signedIn(options, file));
    const why = await chat(client);
    if (why === "quit") return 0;
    if (why === "signed-out") await file.forget();
    process.stderr.write(`scripta: ${said[why]}\n`);
    return 1;
  } catch (error) {
    if (!isScriptaError(error) && !(error instanceof NoPassword)) throw error;
    process.stderr.write(`scripta: ${error.message}\n`);
    return 1;
  } finally {
    await file.release();
  }
}

const said = {
  "signed-out": "this device was signed out; start again to sign in",
  replaced: "this device chats elsewhere",
  "not-allowed": "the server does not allow it",
} as const;

async function signedIn({ url, user, tenant, register, displayName }: ChatOptions, storage: SessionFile) {
  const password = await askPassword(user);
  const server = { url, username: user, password, ...(tenant === undefined ? {} : { tenant }) };
  if (register) await ScriptaClient.register({ ...server, displayName: displayName ?? user });
  return ScriptaClient.login({
    ...server,
    storage,
    device: { name: `terminal on ${hostname()}`, platform: "terminal" },
  });
}

async function chat(client: ScriptaClient): Promise<Awaited<ReturnType<typeof chatScreen>>> {
  try {
    if (!process.stdin.isTTY || !process.stdout.isTTY) {
      await chatLines(client).catch((error: unknown) => {
        if (client.status.status !== "stopped") throw error;
      });
      return client.status.status === "stopped" ? client.status.why : "quit";
    }
    const ended = chatScreen(client);
    // Where it is stopped the screen ends, which says why.
    void client.connect();
    return await ended;
  } finally {
    await client.close();
  }
}
