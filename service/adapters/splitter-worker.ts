import { parentPort } from "node:worker_threads";
import { loadModule } from "libpg-query";
import type { MigrationFile } from "../domain/migration.ts";
import { splitText } from "./splitter-text.ts";

await loadModule();
parentPort?.on("message", (file: MigrationFile) => parentPort?.postMessage(splitText(file)));
