/**
 * A peer broke the protocol: what it sent can't be a milter packet, or not here. Ends that connection and nothing else.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
