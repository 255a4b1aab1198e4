import { memorySecretStore } from "./memorySecretStore.ts";
import { secretStoreContract } from "./secretStoreContract.ts";

const store = memorySecretStore();
secretStoreContract("secrets in memory", () => store);
