import { writtenDown } from "../../compliance/access/writtenDown.ts";
import { proveMessage, versionsAmong } from "../../compliance/proof/proveMessage.ts";
import { streamId, Uuid } from "../../domain/ids.ts";
import type { Foundation } from "../../infra/foundation.ts";
import { createLogger } from "../../infra/main.ts";
import { proofParts, startSequencer } from "../../infra/verifiableLog.ts";
import { byOperator } from "../byOperator.ts";
import { CommandFailed } from "../commandFailed.ts";
import { exitCodes } from "../exitCodes.ts";
import { onFolder } from "../onFolder.ts";
import type { SettingFlags } from "../settings.ts";

interface ProofFlags extends SettingFlags {
  readonly tenant: string;
  readonly revision?: string;
  readonly purpose?: string;
}

/** Prints the proof of a message on standard output. The text of a deleted one stays closed. */
export async function getProofCommand(messageId: string, flags: ProofFlags): Promise<number> {
  if (!Uuid.safeParse(messageId).success) throw new CommandFailed(`${messageId} is no id of a message`);
  if (flags.revision !== undefined && !/^\d{1,10}$/.test(flags.revision))
    throw new CommandFailed(`--revision ${flags.revision} is no whole number`);
  return onFolder(flags, async (foundation) => {
    // Where no service runs, the newest events are under no checkpoint yet.
    const sequencer = startSequencer(foundation, createLogger("error"));
    try {
      process.stdout.write(`${JSON.stringify(await proof(foundation, messageId.toLowerCase(), flags), null, 2)}\n`);
      return exitCodes.done;
    } finally {
      await sequencer.stop();
    }
  });
}

async function proof(foundation: Foundation, messageId: string, { tenant, revision, purpose }: ProofFlags) {
  const { rows } = await foundation.database.query<{ conversation: string }>(
    "select conversation from history.messages where tenant = $1 and message_id = $2",
    [tenant, messageId],
  );
  const [message, another] = rows;
  if (!message) throw new CommandFailed(`no message has the id ${messageId} in the tenant ${tenant}`);
  if (another) throw new CommandFailed(`several conversations have a message ${messageId}`);
  const touching = await foundation.log.readTarget(streamId(tenant, "conversation", message.conversation), messageId);
  const versions = versionsAmong(touching);
  const asked = revision === undefined ? versions.at(-1) : versions.find((one) => one.revision === Number(revision));
  if (!asked)
    throw new CommandFailed(
      revision === undefined
        ? `the event of ${messageId} is missing in the log`
        : `revision ${revision} is no version of ${messageId}; its versions: ${versions.map((one) => one.revision).join(", ")}`,
    );
  const parts = proofParts(foundation);
  const about = { conversationId: message.conversation, messageId, revision: asked.revision };
  const by = byOperator(foundation.engine, { tenant, purpose });
  const refused = await writtenDown(foundation, by, "read-proof", about);
  if (refused) throw new CommandFailed(refused.detail);
  const isDeleted = touching.some(({ type }) => type === "MessageDeleted");
  const open = isDeleted ? "nothing" : "readable";
  const proven = await proveMessage(asked, parts, { open, forAuditor: true });
  if ("rejected" in proven) throw new CommandFailed(proven.detail);
  return proven;
}
