/**
 * A DNS server that knows a table of records and nothing else, over UDP.
 */
import { a, name, nameOf, QR, RA, RD, record, replyTo, soa, TYPE, txt, typeOf } from '../../support/dns-message.ts';
import { ScriptedDns } from '../../support/scripted-dns.ts';
import type { Owner } from '../../support/temp-dir.ts';

/** Texts of records by owner name, for each type. Names are in lower case. */
export interface DnsTable {
  readonly A?: Readonly<Record<string, string>>;
  readonly PTR?: Readonly<Record<string, string>>;
  readonly TXT?: Readonly<Record<string, string>>;
}

/** Starts it for an owner; resolves to its address as `--resolver` wants it. Other names do not exist. */
export async function startDnsTable(owner: Owner, table: DnsTable): Promise<string> {
  const known = new Set(Object.values(table).flatMap(records => Object.keys(records)));
  const server = await ScriptedDns.start(owner, {
    udp: ({ message, send }) => {
      const asked = nameOf(message).toLowerCase();
      const answer = answerTo(table, asked, typeOf(message));
      const rcode = known.has(asked) ? 0 : 3;
      const nothing = { rcode, authorities: [soa('test', 60, 60)] };
      send(replyTo(message, { flags: QR | RD | RA, ...(answer ? { answers: [answer] } : nothing) }));
    },
  });
  return `${server.address.address}:${server.address.port}`;
}

function answerTo(table: DnsTable, asked: string, type: number): Buffer | undefined {
  if (type === TYPE.A && table.A?.[asked] !== undefined) return a(asked, table.A[asked]);
  if (type === TYPE.TXT && table.TXT?.[asked] !== undefined) return txt(asked, table.TXT[asked]);
  if (type === TYPE.PTR && table.PTR?.[asked] !== undefined) return record(asked, TYPE.PTR, name(table.PTR[asked]));
  return undefined;
}

/** The names that a client's address is asked by: with `zone`, in a blocklist; else for its own name. */
export function reversed(address: string, zone = 'in-addr.arpa'): string {
  return `${address.split('.').toReversed().join('.')}.${zone}`;
}
