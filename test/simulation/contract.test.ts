import { clusterControlContract } from "../contract/cluster-control.ts";
import { gitHubContract } from "../contract/github.ts";
import type { Actor } from "./actor.ts";
import { createAws } from "./aws.ts";
import { createSimulatedControl } from "./control.ts";
import { createGitHubWorld, HOST, INSTALLATION, keyOf, type PullRequest } from "./github.ts";
import { createSimulatedGitHub } from "./github-port.ts";
import { createStage, type Stage } from "./stage.ts";

const SEED = 1;
/** How far the clock goes with every look at a cluster. */
const LOOK_MS = 30_000;

function alone(): { readonly stage: Stage; readonly actor: Actor } {
  const stage = createStage(SEED, null);
  stage.faultsOff();
  return { stage, actor: { name: "alone", stage, turn: async () => {}, lockedTurn: async () => {} } };
}

clusterControlContract("simulation", async () => {
  const { stage, actor } = alone();
  const aws = createAws(stage, 10);
  const control = createSimulatedControl(aws, actor);
  return {
    control: {
      ...control,
      observe(identifier) {
        stage.advanceTo(stage.now().getTime() + LOOK_MS);
        return control.observe(identifier);
      },
    },
    async protect(identifier) {
      Object.assign(aws.clusters.get(identifier) ?? {}, { protected: true });
    },
    close: async () => {},
  };
});

gitHubContract("simulation", async () => {
  const { stage, actor } = alone();
  const world = createGitHubWorld(stage);
  const repository = {
    id: 7,
    name: "shop/app",
    formerNames: new Set<string>(),
    hidden: false,
    suspended: false,
    permissions: new Map(),
  };
  world.repositories.push(repository);
  world.setPermission(repository, "ann", "write");
  world.setPermission(repository, "rita", "read");
  const pull: PullRequest = {
    key: keyOf(repository, 1),
    repository,
    number: 1,
    author: "ann",
    authorIsBot: false,
    fork: false,
    createdAt: stage.now(),
    state: "open",
    merged: false,
    closedAt: null,
    headSha: "",
    commentDeleted: false,
    files: new Map(),
  };
  world.pulls.push(pull);
  world.commit(pull, new Map([["migrations/1.sql", ["create table t (id int)"]]]));
  const { id, author, body } = world.addComment(pull, "rita", "/db status");
  const names = { writer: "ann", reader: "rita", stranger: "stan" };
  const address = { host: HOST, repositoryId: 7, number: 1 };
  return {
    github: createSimulatedGitHub(world, actor),
    target: { ...address, installationId: INSTALLATION, repositoryName: "shop/app" },
    files: world.filesAt(pull.headSha),
    headSha: pull.headSha,
    author: pull.author,
    ...names,
    comment: { id, author, body },
    close: async () => {},
  };
});
