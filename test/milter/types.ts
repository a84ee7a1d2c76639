/**
 * What the compiler must refuse: verdicts and edits out of place. Not run; `tsc` fails if one of these stops being an error.
 */
import {
  acceptConnection,
  acceptMessage,
  createMilter,
  discardMessage,
  type Milter,
  skipBody,
} from '../../src/milter/index.ts';

export const refused: Milter = createMilter({
  actions: ['addHeaders'],
  connectionState: () => ({ seen: 0 }),
  connect(connection) {
    connection.state.seen += 1;
    return acceptConnection;
  },
  // @ts-expect-error a connection can't be discarded
  helo: () => discardMessage,
  // @ts-expect-error a message is not a connection
  mail: () => acceptConnection,
  // @ts-expect-error SKIP at RCPT makes Sendmail bypass the filter
  rcpt: () => skipBody,
  // @ts-expect-error the return is missing
  data: () => {},
  // @ts-expect-error a verdict is no string
  eoh: () => 'proceed',
  body: () => skipBody,
  eom(_message, edit) {
    edit.addHeader('X-Test', '1');
    // @ts-expect-error not among the actions
    edit.quarantine('why');
    return acceptMessage;
  },
});
