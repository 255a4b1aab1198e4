import type { CommandName } from "./contract.ts";
import type { HttpRequest } from "./http.ts";

/** Each command's route below `/api/v1`. A test compares them with what the server publishes. */
export const commandRoutes = {
  CreateConversation: "POST /conversations",
  UpdateConversation: "PATCH /conversations/:conversationId",
  AddMember: "POST /conversations/:conversationId/members",
  ChangeMemberRole: "PATCH /conversations/:conversationId/members/:userId",
  RemoveMember: "DELETE /conversations/:conversationId/members/:userId",
  SendMessage: "POST /conversations/:conversationId/messages",
  EditMessage: "PATCH /conversations/:conversationId/messages/:messageId",
  DeleteMessage: "DELETE /conversations/:conversationId/messages/:messageId",
  AddReaction: "PUT /conversations/:conversationId/messages/:messageId/reactions/:emoji",
  RemoveReaction: "DELETE /conversations/:conversationId/messages/:messageId/reactions/:emoji",
  AcknowledgeMessage: "POST /conversations/:conversationId/messages/:messageId/ack",
  MarkRead: "POST /conversations/:conversationId/read",
  MarkDelivered: "POST /conversations/:conversationId/delivered",
  UpdateProfile: "PATCH /me",
  SetPreferences: "PUT /me/preferences",
  SetConversationPreferences: "PUT /conversations/:conversationId/preferences",
} as const satisfies Record<CommandName, `${HttpRequest["method"]} /${string}`>;

/** A command as a request: what its path names goes there, the rest into the body. `SendMessage` carries its own key. */
export function requestFor(name: CommandName, payload: object, commandId: string): HttpRequest {
  const [method, route] = splitRoute(commandRoutes[name]);
  const body = new Map<string, unknown>(Object.entries(payload));
  const path = route.replace(/:(\w+)/g, (_, parameter: string) => {
    const value = String(body.get(parameter));
    body.delete(parameter);
    return encodeURIComponent(value);
  });
  return {
    method,
    path,
    ...(method === "DELETE" || body.size === 0 ? {} : { body: Object.fromEntries(body) }),
    ...(name === "SendMessage" ? {} : { headers: { "idempotency-key": commandId } }),
    repeatable: true,
  };
}

function splitRoute(route: `${HttpRequest["method"]} /${string}`): readonly [HttpRequest["method"], string] {
  const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
  const method = methods.find((known) => route.startsWith(`${known} `));
  if (!method) throw new Error(`no method in the route ${route}`);
  return [method, route.slice(method.length + 1)];
}
