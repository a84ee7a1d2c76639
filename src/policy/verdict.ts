/**
 * The verdict on one recipient: a closed union with a reason code from a closed set. The same words stand in reply
 * templates, log, metrics and `explain`.
 */

/** Why a recipient was accepted, greylisted or rejected. */
export type AcceptReason =
  | 'local-client' // loopback, private, link-local or unique-local address
  | 'no-address' // the peer has no address: local submission, unix socket, unknown family
  | 'non-smtp' // port 0: mail that did not come over SMTP
  | 'authenticated'
  | 'rejected-by-mta'
  | 'rule'
  | 'own-check' // a check that a user of the library has added, named by `check=`
  | 'whitelist'
  | 'exempt' // postmaster, abuse
  | 'opted-out' // not greylisted by the recipient's wish
  | 'matured' // a pending triplet came back in time: it passes now
  | 'known' // the triplet passed before
  | 'end-of-message' // the null sender: the greylist speaks at end of message
  | 'spf-pass' // the sender's domain lets the client send in its name
  | 'learned' // a network or SPF domain that has proved itself
  | 'correspondent' // one of our users has written to this sender
  | 'unsuspicious' // only suspicious clients are greylisted, and this is none
  | 'another-recipient' // the null sender's message is accepted for another recipient's sake
  | 'fault'; // the greylist or its store failed
export type GreylistReason =
  | 'new' // never seen
  | 'early' // came back before the delay was over
  | 'too-soon' // came back so soon that the delay starts again
  | 'late' // came back after the retry window: pending anew
  | 'expired' // passed once, but was silent for longer than the lifetime
  | 'another-recipient' // with scope `message`: other recipients of the message must wait
  | 'own-check'
  | 'crowded' // new, from a network with too many pending triplets: held in memory only
  | 'fault'; // onFailure: tempfail
export type DeferReason = 'rule' | 'own-check';
export type RejectReason = 'rule' | 'own-check' | 'blacklist' | 'dnsbl';
export type ReasonCode = AcceptReason | GreylistReason | DeferReason | RejectReason;

/** An SMTP reply: three-digit code, enhanced code (RFC 3463) of the same class, one line of text. */
export interface Reply {
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

/** More for the log line of this recipient. */
export type Fields = Readonly<Record<string, string | undefined>>;

export interface Accept {
  readonly action: 'accept';
  readonly reason: AcceptReason;
  /** With `matured`: milliseconds from first seen to now, for the X-Greylist header. */
  readonly delayed?: number;
  /** For the message, should it pass. */
  readonly headers?: readonly Header[];
  readonly fields?: Fields;
}
export interface Greylist {
  readonly action: 'greylist';
  readonly reason: GreylistReason;
  /** Whole seconds the client must still wait, at least 1. */
  readonly wait: number;
  readonly reply: Reply;
  readonly fields?: Fields;
}
/** A 4xx that is not the greylist's. */
export interface Defer {
  readonly action: 'defer';
  readonly reason: DeferReason;
  readonly reply: Reply;
  readonly fields?: Fields;
}
export interface Reject {
  readonly action: 'reject';
  readonly reason: RejectReason;
  readonly reply: Reply;
  /** With `dnsbl`: the zones known to list the client, public names, in configured order. */
  readonly zones?: readonly string[];
  readonly fields?: Fields;
}
export type Verdict = Accept | Greylist | Defer | Reject;

/** A header to add at end of message, top of the message. The value has no line breaks. */
export interface Header {
  readonly name: string;
  readonly value: string;
}
