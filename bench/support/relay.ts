import { createServer } from "node:http";
import { Pool } from "pg";
import { type WebSocket, WebSocketServer } from "ws";

/**
 * The baseline: a chat that somebody would write in an afternoon. It passes each message to the others in its room and
 * acknowledges it; with a database it commits one INSERT first. No sign-in, no rights, no order, no history, no retry.
 * A socket says which room it is in by its first message, `{"room": "…"}`.
 */
const [database] = process.argv.slice(2);
const pool = database ? new Pool({ connectionString: database, max: 16 }) : undefined;
await pool?.query(`create table if not exists relayed (
  id uuid primary key, room text not null, sender text not null, body text not null, at timestamptz not null default now())`);
await pool?.query("create index if not exists relayed_room on relayed (room, at)");

const rooms = new Map<string, Set<WebSocket>>();
const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false, clientTracking: false });

server.on("connection", (socket) => {
  let room = "";
  socket.on("message", (data) => {
    const frame = JSON.parse(data.toString());
    if (room === "") {
      room = frame.room;
      rooms.set(room, (rooms.get(room) ?? new Set()).add(socket));
      socket.send(JSON.stringify({ type: "live" }));
      return;
    }
    void pass(socket, room, frame);
  });
  socket.on("close", () => rooms.get(room)?.delete(socket));
});

async function pass(socket: WebSocket, room: string, frame: { id: string; text: string }): Promise<void> {
  await pool?.query({
    name: "relay",
    text: "insert into relayed (id, room, sender, body) values ($1, $2, $3, $4)",
    values: [frame.id, room, "somebody", frame.text],
  });
  const message = JSON.stringify({ type: "message", id: frame.id, text: frame.text });
  for (const other of rooms.get(room) ?? []) if (other !== socket) other.send(message);
  socket.send(JSON.stringify({ type: "ack", id: frame.id }));
}

http.listen(0, "127.0.0.1", () => {
  const address = http.address();
  if (address && typeof address === "object") console.log(`listening http://127.0.0.1:${address.port}`);
});
process.on("SIGTERM", () => process.exit(0));
