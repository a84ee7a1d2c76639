/**
 * Who the daemon is: the group of its sockets, and the user that root becomes once they are bound. Names are looked up in
 * /etc/passwd and /etc/group; whoever is known only to a directory service is given as a number.
 */
import { readFileSync } from 'node:fs';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';

/** The part of `process` that is needed here. */
export interface Identity {
  getuid(): number;
  setgroups(groups: readonly number[]): void;
  setgid(gid: number): void;
  setuid(uid: number): void;
}

/** Whom to become: user, primary group, and all groups. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** The texts of /etc/passwd and /etc/group. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

/** The group that Postfix runs in, which must reach the socket. */
const MTA_GROUP = 'postfix';

/** Reads the system's accounts; a file that is missing, as in small containers, names nobody. */
export function systemAccounts(): Accounts {
  return { passwd: readIfThere('/etc/passwd'), group: readIfThere('/etc/group') };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/**
 * The numeric group for unix sockets: the one asked for; else `postfix` if we are root and it exists; else undefined, which
 * leaves the process's own.
 */
export function socketGid(wanted: string | undefined, isRoot: boolean, accounts: Accounts): number | undefined {
  if (wanted !== undefined) return gidOf(wanted, accounts, '--socket-group');
  return isRoot ? number(line(accounts.group, MTA_GROUP)?.[2]) : undefined;
}

/** Reads `user` or `user:group`, names or numbers. Throws a `CliError` for one that does not exist. */
export function parseAccount(wanted: string, accounts: Accounts): Account {
  const [user = '', group] = wanted.split(':', 2);
  const entry = line(accounts.passwd, user) ?? lineById(accounts.passwd, user);
  const uid = number(entry?.[2] ?? user);
  if (uid === undefined) throw unknown('--user', user, 'user', '/etc/passwd');
  const ownGid = number(entry?.[3]);
  const gid = group === undefined ? ownGid : gidOf(group, accounts, '--user');
  if (gid === undefined)
    throw new CliError(EXIT.config, `option --user: user ${user} is not in /etc/passwd: expected user:group`);
  const name = entry?.[0] ?? user;
  return { name, uid, gid, groups: [gid, ...groupsOf(name, accounts).filter(other => other !== gid)] };
}

/** Becomes another user for good, and makes sure of it. Needs root. */
export function dropPrivileges(account: Account, identity: Identity): void {
  if (identity.getuid() === account.uid && account.uid !== 0) return;
  if (identity.getuid() !== 0)
    throw new CliError(
      EXIT.noPermission,
      `option --user: only root can become ${account.name}: start as root or leave it out`,
    );
  identity.setgroups(account.groups);
  identity.setgid(account.gid);
  identity.setuid(account.uid);
  if (account.uid === 0) return;
  try {
    identity.setuid(0);
  } catch {
    return; // as it must be
  }
  throw new CliError(EXIT.software, `option --user: became ${account.name}, but could become root again`);
}

function gidOf(wanted: string, accounts: Accounts, option: string): number {
  const gid = number(line(accounts.group, wanted)?.[2] ?? wanted);
  if (gid === undefined) throw unknown(option, wanted, 'group', '/etc/group');
  return gid;
}

function groupsOf(user: string, accounts: Accounts): number[] {
  const gids: number[] = [];
  for (const text of accounts.group.split('\n')) {
    const [, , gid, members = ''] = text.split(':');
    if (members.trim().split(',').includes(user)) gids.push(Number(gid));
  }
  return gids;
}

function line(file: string, name: string): string[] | undefined {
  return entries(file).find(fields => fields[0] === name);
}

function lineById(file: string, id: string): string[] | undefined {
  return entries(file).find(fields => fields[2] === id);
}

/** Lines of passwd(5) and group(5); those of NIS, which begin with a sign, name nobody here. */
function entries(file: string): string[][] {
  return file
    .split('\n')
    .map(text => text.split(':'))
    .filter(fields => fields.length >= 4 && /^[^+-]/.test(fields[0] ?? ''));
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function unknown(option: string, name: string, kind: string, file: string): CliError {
  return new CliError(EXIT.config, `option ${option}: there is no ${kind} '${name}' in ${file}`);
}
