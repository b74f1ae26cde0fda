/** Plays the demo's story against the containers of docker-compose.yml; see scripts/containers. */
import { join, resolve } from "node:path";
import { playStory, type StoryStack } from "./story.ts";

/** The published addresses and the store of docker-compose.yml. */
const STORE = "offshootstore2222222222222";
const directory = resolve(process.argv[2] ?? ".");

// The comments' CA file is relative.
process.chdir(directory);
const stack: StoryStack = {
  directory,
  storeIdentifier: STORE,
  github: { pageUrl: "http://127.0.0.1:8081" },
  dsql: { controlUrl: "http://127.0.0.1:8082", region: "us-east-1", caFile: join(directory, "ca.pem") },
};
await playStory(stack, (step, detail) => console.log(`${step}: ${detail}`));
