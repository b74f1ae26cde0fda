/** The worker process of the splitter: a file in, its statements or its problem out. It ends with its channel. */
import { loadModule } from "libpg-query";
import type { MigrationFile } from "../domain/migration.ts";
import { splitText } from "./splitter-text.ts";

await loadModule();
process.on("message", (file: MigrationFile) => process.send?.(splitText(file)));
