/**
 * What a user of the library may import: the whole daemon, and the parts for compositions of one's own. The milter protocol has
 * an entry of its own, `milter-greylist/milter`.
 */
export { type Clock, systemClock, systemTimers, type Timers } from './clock.ts';
export type { Config, DnsblConfig, GreylistConfig } from './config/config.ts';
export { type Loaded, loadConfig, parseSettings } from './config/load.ts';
export { ConfigError, type Problem } from './config/problem.ts';
export type * from './config/settings.ts';
export { type CreateDaemonOptions, type CreatedDaemon, createDaemon, type Source } from './create-daemon.ts';
export { openResolver, resolverServers } from './daemon.ts';
export type { Answer, RecordType, Resolver } from './dns/resolver.ts';
export { type BlocklistOptions, type Blocklists, createBlocklists } from './dnsbl/blocklists.ts';
export type { ZoneOptions } from './dnsbl/zone.ts';
export { type MilterFrontendParts, milterFilter } from './frontends/milter.ts';
export type { Judgement, Question } from './greylist/attempt.ts';
export { createGreylist, type Greylist, type GreylistOptions } from './greylist/greylist.ts';
export { type Entry, type Store, StoreError, type Triplet } from './greylist/store.ts';
export { type AddressList, loadAddressLists } from './lists/address-list.ts';
export type { DecisionLog } from './log/decision-log.ts';
export { type Log, openLog } from './log/log.ts';
export type { Fields, Logger } from './log/logger.ts';
export { RateLimited } from './log/rate-limited.ts';
export { type Address, parseAddress } from './net/address.ts';
export type { Advice, Terms } from './policy/advice.ts';
export type { Check, Settled, Word } from './policy/check.ts';
export { dnsblCheck } from './policy/checks/dnsbl.ts';
export { type OwnCheck, type Place, type StandardParts, standardChecks } from './policy/checks/standard.ts';
export type { Decision, MessageVerdict } from './policy/decision.ts';
export { type Envelope, type Macros, type MessageStart, noMacros, type Session } from './policy/envelope.ts';
export { Faults } from './policy/faults.ts';
export { createPolicy, type Policy, type PolicyParts } from './policy/policy.ts';
export { compileReplies, type ReplyTemplates } from './policy/replies.ts';
export type * from './policy/verdict.ts';
export { createMemoryStore } from './stores/memory-store.ts';
export { openSqliteStore, type SqliteStoreOptions } from './stores/sqlite-store.ts';
