import { type OpenDoor, openDoor } from "../infra/ports/door.ts";
import { GetAcknowledgements } from "./getAcknowledgements.ts";
import { GetConversation } from "./getConversation.ts";
import { GetConversationPreferences } from "./getConversationPreferences.ts";
import { GetMessage } from "./getMessage.ts";
import { GetMessageHistory } from "./getMessageHistory.ts";
import { GetReceipts } from "./getReceipts.ts";
import { ListConversations } from "./listConversations.ts";
import { ListMembers } from "./listMembers.ts";
import { ListMessages } from "./listMessages.ts";
import type { ReadParts } from "./parts.ts";
import { Sync } from "./sync/sync.ts";

/** Everything that can be read. */
export const openQueries = (parts: ReadParts): OpenDoor[] => [
  openDoor(ListConversations, parts),
  openDoor(GetConversation, parts),
  openDoor(ListMembers, parts),
  openDoor(GetConversationPreferences, parts),
  openDoor(ListMessages, parts),
  openDoor(GetMessage, parts),
  openDoor(GetMessageHistory, parts),
  openDoor(GetReceipts, parts),
  openDoor(GetAcknowledgements, parts),
  openDoor(Sync, parts),
];
