import { type OpenDoor, openDoor } from "../infra/ports/door.ts";
import { AcknowledgeMessage } from "./conversation/acknowledgeMessage.ts";
import { AddMember } from "./conversation/addMember.ts";
import { AddReaction } from "./conversation/addReaction.ts";
import { ChangeMemberRole } from "./conversation/changeMemberRole.ts";
import { CreateConversation } from "./conversation/createConversation.ts";
import { DeleteMessage } from "./conversation/deleteMessage.ts";
import { EditMessage } from "./conversation/editMessage.ts";
import { RemoveMember } from "./conversation/removeMember.ts";
import { RemoveReaction } from "./conversation/removeReaction.ts";
import { SendMessage } from "./conversation/sendMessage.ts";
import { SetConversationPreferences } from "./conversation/setConversationPreferences.ts";
import { UpdateConversation } from "./conversation/updateConversation.ts";
import type { Engine } from "./engine/engine.ts";
import { MarkDelivered, MarkRead } from "./receipts/mark.ts";

/** Every command on conversations and receipts, as doors of one engine. */
export const openCommands = (engine: Engine): OpenDoor[] => [
  openDoor(CreateConversation.door, engine),
  openDoor(UpdateConversation.door, engine),
  openDoor(AddMember.door, engine),
  openDoor(ChangeMemberRole.door, engine),
  openDoor(RemoveMember.door, engine),
  openDoor(SetConversationPreferences.door, engine),
  openDoor(SendMessage.door, engine),
  openDoor(EditMessage.door, engine),
  openDoor(DeleteMessage.door, engine),
  openDoor(AddReaction.door, engine),
  openDoor(RemoveReaction.door, engine),
  openDoor(AcknowledgeMessage.door, engine),
  openDoor(MarkRead, engine),
  openDoor(MarkDelivered, engine),
];
