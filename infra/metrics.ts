import type { FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { TurnTaken } from "../commands/engine/engine.ts";
import { projections } from "../projections/all.ts";
import type { Gateway } from "../realtime/gateway.ts";
import type { Foundation } from "./foundation.ts";

/** What Prometheus reads at `/metrics`. No label names a person or a conversation. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const appended = new Counter({
    name: "scripta_events_appended_total",
    help: "Events appended by commands.",
    labelNames: ["kind"],
    registers,
  });
  const commands = new Counter({
    name: "scripta_commands_total",
    help: "Commands that led to events.",
    labelNames: ["kind"],
    registers,
  });
  const decide = new Histogram({
    name: "scripta_decide_seconds",
    help: "Loading, reading and deciding of one turn of a mailbox.",
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers,
  });
  const append = new Histogram({
    name: "scripta_append_seconds",
    help: "Sealing and committing of one turn of a mailbox.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const batch = new Histogram({
    name: "scripta_turn_commands",
    help: "Commands decided and appended together.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  const deliver = new Histogram({
    name: "scripta_recorded_to_delivered_seconds",
    help: "From the log's time of an event to its frames' leaving for sockets.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const breakGlass = new Counter({
    name: "scripta_break_glass_total",
    help: "Emergency accesses to conversations that were opened: officers look at each.",
    registers,
  });
  return {
    brokeGlass: () => breakGlass.inc(),
    turn({ kind, commands: count, events, decideMs, appendMs }: TurnTaken): void {
      appended.inc({ kind }, events);
      commands.inc({ kind }, count);
      decide.observe(decideMs / 1_000);
      append.observe(appendMs / 1_000);
      batch.observe(count);
    },
    delivered(ms: number): void {
      deliver.observe(ms / 1_000);
    },
    observe({ foundation: { projector }, gateway }: { foundation: Foundation; gateway: Gateway }): void {
      new Gauge({
        name: "scripta_sockets",
        help: "Open sockets.",
        registers,
        collect() {
          this.set(gateway.size);
        },
      });
      new Gauge({
        name: "scripta_projection_lag_events",
        help: "Positions that the read models are behind the log's head.",
        registers,
        async collect() {
          this.set((await projector.lag()).events);
        },
      });
      new Gauge({
        name: "scripta_projection_parked_streams",
        help: "Streams that a read model could not fold: somebody must look.",
        labelNames: ["read_model"],
        registers,
        async collect() {
          const parked = Map.groupBy(await projector.parked(), ({ schema }) => schema);
          for (const { name } of projections) this.set({ read_model: name }, parked.get(name)?.length ?? 0);
        },
      });
    },
    addTo(app: FastifyInstance): void {
      app.get("/metrics", async (_request, reply) => {
        reply.header("content-type", registry.contentType);
        return registry.metrics();
      });
    },
  };
}
