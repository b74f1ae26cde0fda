import { setFlagsFromString } from "node:v8";
import { parentPort } from "node:worker_threads";
import type { MigrationFile } from "../domain/migration.ts";

// V8 would compile the parser's big functions anew to make them faster, and take 500 MB for a moment to do so; the
// first compilation parses a file in a millisecond. So only function 0 may be compiled again. Measured on Node 24.21.
setFlagsFromString("--wasm-tier-up-filter=0");
const { loadModule } = await import("libpg-query");
const { splitText } = await import("./splitter-text.ts");

await loadModule();
parentPort?.on("message", (file: MigrationFile) => parentPort?.postMessage(splitText(file)));
