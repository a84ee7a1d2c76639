/** A filter that refuses clients which greet the server by the server's own name, or as localhost. Only forgers do. */
import { createMilter, type Peer, proceed, reply } from 'milter-greylist/milter';

const refusal = reply(550, '5.7.1', 'That is my name, not yours');
const isLocal = (peer: Peer): boolean => !('address' in peer) || ['127.0.0.1', '::1'].includes(peer.address);

const filter = createMilter({
  mail({ connection, macros }) {
    if (isLocal(connection.peer) || macros.get('auth_authen')) return proceed; // our own may call themselves anything
    const helo = connection.helo?.toLowerCase();
    return helo === 'localhost' || helo === macros.get('j')?.toLowerCase() ? refusal : proceed;
  },
  onError(error) {
    process.stderr.write(`${error}\n`);
    return proceed;
  },
});

process.once('SIGTERM', () => filter.close({ drain: 5_000 }));
process.stdout.write(`listening at ${await filter.listen(process.argv[2] ?? 'inet:8893@127.0.0.1')}\n`);
