import { eventLogContract } from "./eventLogContract.ts";
import { MemoryEventLog } from "./memoryEventLog.ts";

eventLogContract("memory", async (clock) => ({ log: new MemoryEventLog(clock), close: async () => undefined }));
