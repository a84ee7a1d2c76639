/**
 * Cyrus SASL's login service as a mail server asks it (saslauthd), on a unix socket, for a few users: the request is four strings
 * behind their lengths, user, password, service and realm; the answer one such string, `OK` or `NO`.
 */
import { once } from 'node:events';
import { globSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Owner, tempDir } from '../../support/temp-dir.ts';
import type { Missing } from './requirement.ts';

/** Why nobody can log in to a mail server by name and password here, or false. */
export const saslMissing: Missing =
  globSync('/usr/lib/*/sasl2/libplain.so').length > 0 ? false : 'libsasl2-modules is not installed';

/**
 * Starts the service for these users, by their passwords, and returns the directory with the configuration that sends `program`
 * there: what SASL_CONF_PATH is for.
 */
export async function startSaslauthd(
  owner: Owner,
  program: string,
  users: Readonly<Record<string, string>>,
): Promise<string> {
  const directory = tempDir(owner, '/run'); // Sendmail reads no configuration below a world-writable directory
  const path = join(directory, 'mux');
  const server = createServer(socket => {
    let request = Buffer.alloc(0);
    socket.on('error', () => {}); // whoever asked is gone
    socket.on('data', chunk => {
      request = Buffer.concat([request, chunk]);
      const [user, password] = strings(request) ?? [];
      if (user === undefined) return;
      const known = Object.hasOwn(users, user) && users[user] === password;
      socket.end(known ? '\0\x02OK' : '\0\x02NO');
    });
  });
  owner.after(() => void server.close());
  server.listen({ path, readableAll: true, writableAll: true });
  await once(server, 'listening');
  writeFileSync(
    join(directory, `${program}.conf`),
    `pwcheck_method: saslauthd\nsaslauthd_path: ${path}\nmech_list: PLAIN\nlog_level: 0\n`,
  );
  return directory;
}

/** The four strings of a request, or undefined if some are still to come. */
function strings(request: Buffer): readonly string[] | undefined {
  const found: string[] = [];
  for (let at = 0; found.length < 4; ) {
    if (at + 2 > request.length) return undefined;
    const end = at + 2 + request.readUInt16BE(at);
    if (end > request.length) return undefined;
    found.push(request.toString('utf8', at + 2, end));
    at = end;
  }
  return found;
}
