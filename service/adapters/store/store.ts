import { pullKey } from "../../domain/owner.ts";
import type { Store, StoreReads, StoreTransaction } from "../../handlers/ports-store.ts";
import * as access from "./access.ts";
import * as answers from "./answers.ts";
import * as checks from "./check-runs.ts";
import * as clusters from "./clusters.ts";
import * as credentials from "./credentials.ts";
import * as environmentList from "./environment-list.ts";
import * as environments from "./environments.ts";
import * as forgetting from "./forget.ts";
import * as marks from "./marks.ts";
import * as parameters from "./parameters.ts";
import * as pulls from "./pulls.ts";
import * as records from "./records.ts";
import * as repositories from "./repositories.ts";
import * as slots from "./slots.ts";
import type { Database, Sql } from "./sql.ts";
import * as wakeups from "./wakeups.ts";

/** The store over a database. One method, one statement; transactions are repeated whole (see Database). */
export function createStore(database: Database): Store {
  return {
    ...reads(database),
    transaction: (work) => database.transaction((sql) => work(transaction(sql))),
    due: (now, limit) => wakeups.due(database, now, limit),
    claim: (list, lease, now, until) => wakeups.claim(database, list, lease, now, until),
    claimKeys: (keys, lease, now, until) => wakeups.claimKeys(database, keys, lease, now, until),
    dueOf: (topic, key) => wakeups.dueOf(database, topic, key),
    ensureWakeups: (list) => wakeups.ensure(database, list),
    nextDue: () => wakeups.nextDue(database),
  };
}

function reads(db: Sql): StoreReads {
  return {
    pendingDeliveries: (key, limit) => pulls.pendingDeliveries(db, key, limit),
    pull: (key) => pulls.pull(db, key),
    environment: (id) => environments.environment(db, id),
    environmentsOfPull: (key) => environments.environmentsOfPull(db, key),
    environmentsOfBranch: (key) => environments.environmentsOfBranch(db, key),
    environmentByOwner: (key) => environments.environmentByOwner(db, key),
    listEnvironments: (filter) => environmentList.listEnvironments(db, filter),
    findEnvironments: (text) => environments.findEnvironments(db, text),
    pullKeysNamed: (name, pull) => pulls.pullKeysNamed(db, name, pull),
    clustersIn: (account, region, after, limit) => clusters.clustersIn(db, account, region, after, limit),
    cluster: (id) => clusters.cluster(db, id),
    lastCluster: (id) => clusters.lastCluster(db, id),
    clusters: (ids) => clusters.clusters(db, ids),
    oldestRetired: (account, region, before) => clusters.oldestRetired(db, account, region, before),
    appliedStatements: (ids) => records.appliedStatements(db, ids),
    repository: (host, id) => repositories.repository(db, host, id),
    repositoryNamed: (host, name) => repositories.repositoryNamed(db, host, name),
    repositories: (ids) => repositories.repositories(db, ids),
    migrationSet: (digest) => repositories.migrationSet(db, digest),
    operation: (id) => repositories.operation(db, id),
    ledger: (id) => records.ledger(db, id),
    clusterAccess: (id) => access.clusterAccess(db, id),
    newestCommand: (key) => pulls.newestCommand(db, key),
    latestCommand: (key) => pulls.latestCommand(db, key),
    commandsToReact: (key) => pulls.commandsToReact(db, key),
    knownComments: (key, ids) => pulls.knownComments(db, key, ids),
    report: (key) => records.report(db, key),
    checkRuns: (key) => checks.checkRuns(db, key),
    parameter: (id) => parameters.parameter(db, id),
    parameterKeys: (limit) => parameters.parameterKeys(db, limit),
    slotRows: (account, region, others) => slots.slotRows(db, account, region, others),
    knownIdentifiers: (identifiers) => slots.knownIdentifiers(db, identifiers),
    waiting: () => slots.waiting(db),
    holdings: () => slots.holdings(db),
    holders: () => slots.holders(db),
    knownDeliveries: (appId, guids) => pulls.knownDeliveries(db, appId, guids),
    mark: (name) => marks.mark(db, name),
    regionPause: (account, region) => slots.regionPause(db, account, region),
    installationPause: (host, id) => slots.installationPause(db, host, id),
    events: (id) => records.events(db, id),
    eventsPage: (id, after, limit) => records.eventsPage(db, id, after, limit),
    apiKey: (id) => credentials.apiKey(db, id),
    apiKeys: (limit) => credentials.apiKeys(db, limit),
    session: (id) => credentials.session(db, id),
    answer: (caller, key, since) => answers.answer(db, caller, key, since),
  };
}

function transaction(db: Sql): StoreTransaction {
  return {
    ...reads(db),
    renew: (held, until) => wakeups.renew(db, held, until),
    settle: (held, to) => wakeups.settle(db, held, to),
    wake: (list, now) => wakeups.wake(db, list, now),
    putPull: (row, state, at) => pulls.putPull(db, pullKey(row), row, state, at),
    handleDeliveries: (list, outcome, at) => pulls.handleDeliveries(db, list, outcome, at),
    addCommand: (key, command) => pulls.addCommand(db, key, command),
    markReacted: (key, id, at) => pulls.markReacted(db, key, id, at),
    insertEnvironment: (row) => environments.insertEnvironment(db, row),
    updateEnvironment: (row, change) => environments.updateEnvironment(db, row, change),
    insertCluster: (row) => clusters.insertCluster(db, row),
    updateCluster: (row, change) => clusters.updateCluster(db, row, change),
    setUse: (id, use) => clusters.setUse(db, id, use),
    retireCluster: (id, until) => clusters.retireCluster(db, id, until),
    restoreCluster: (id, at) => clusters.restoreCluster(db, id, at),
    setProtected: (id, isProtected) => clusters.setProtected(db, id, isProtected),
    putRepository: (target, at) => repositories.putRepository(db, target, at),
    putMigrationSet: (digest, files, at) => repositories.putMigrationSet(db, digest, files, at),
    addOperation: (row) => repositories.addOperation(db, row),
    updateMigration: (id, change) => clusters.updateMigration(db, id, change),
    forgetUnfinished: (id) => records.forgetUnfinished(db, id),
    putStatement: (id, row) => records.putStatement(db, id, row),
    putClusterAccess: (row) => access.putClusterAccess(db, row),
    forgetClusterAccess: (limit) => forgetting.forgetClusterAccess(db, limit),
    forgetCustomers: (endedBefore, limit) => forgetting.forgetCustomers(db, endedBefore, limit),
    forgetRest: (id, limit) => forgetting.forgetRest(db, id, limit),
    takeSlot: (account, region, version) => slots.takeSlot(db, account, region, version),
    pauseRegion: (account, region, until) => slots.pauseRegion(db, account, region, until),
    pauseInstallation: (host, id, until) => slots.pauseInstallation(db, host, id, until),
    putReport: (row) => records.putReport(db, row),
    putCheckRun: (row) => checks.putCheckRun(db, row),
    forgetCheckRun: (key, sha) => checks.forgetCheckRun(db, key, sha),
    putParameter: (row) => parameters.putParameter(db, row),
    forgetParameter: (id) => parameters.forgetParameter(db, id),
    putMark: (name, value) => marks.putMark(db, name, value),
    addEvent: (row) => records.addEvent(db, row),
    addKey: (row) => credentials.addKey(db, row),
    revokeKey: (id, at) => credentials.revokeKey(db, id, at),
    markKeyUsed: (id, at, since) => credentials.markKeyUsed(db, id, at, since),
    addSession: (row) => credentials.addSession(db, row),
    useOidcToken: (issuer, jti, expiresAt) => credentials.useOidcToken(db, issuer, jti, expiresAt),
    putAnswer: (caller, key, row, at) => answers.putAnswer(db, caller, key, row, at),
    forgetExpired: async (ended, answered, limit) =>
      (await credentials.forgetEnded(db, ended, limit)) + (await answers.forgetAnswers(db, answered, limit)),
  };
}
