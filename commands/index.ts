export { type Account, aggregate, command, type Met, type Sender, unchanged } from "./command.ts";
export { defaultLimits, type Engine, type EngineLimits, type MarkNow } from "./engine/engine.ts";
export { openCommands } from "./list.ts";
export { marksOf } from "./receipts/mark.ts";
