/**
 * The milter protocol's numbers, versions 2 to 6. No standard defines them; the C names are libmilter's (`mfdef.h`,
 * `mfapi.h`). `[vN]` marks the protocol version that brought a value.
 */

export const PROTOCOL_VERSION = 6; // SMFI_PROT_VERSION
export const OLDEST_VERSION = 2; // SMFI_PROT_VERSION_MIN

/** What an MTA sends: the byte after the length. */
export const Command = {
  negotiate: 0x4f, // SMFIC_OPTNEG  'O'
  macro: 0x44, // SMFIC_MACRO   'D'
  connect: 0x43, // SMFIC_CONNECT 'C'
  helo: 0x48, // SMFIC_HELO    'H'
  mail: 0x4d, // SMFIC_MAIL    'M'
  rcpt: 0x52, // SMFIC_RCPT    'R'
  data: 0x54, // SMFIC_DATA    'T' [v4]
  header: 0x4c, // SMFIC_HEADER  'L'
  endOfHeader: 0x4e, // SMFIC_EOH     'N'
  body: 0x42, // SMFIC_BODY    'B'
  endOfMessage: 0x45, // SMFIC_BODYEOB 'E'
  abort: 0x41, // SMFIC_ABORT   'A'
  quit: 0x51, // SMFIC_QUIT    'Q'
  quitNewConnection: 0x4b, // SMFIC_QUIT_NC 'K' [v6]
  unknown: 0x55, // SMFIC_UNKNOWN 'U' [v3]
} as const;

/** What a milter answers. */
export const Response = {
  negotiate: 0x4f, // SMFIC_OPTNEG    'O'
  proceed: 0x63, // SMFIR_CONTINUE   'c'
  accept: 0x61, // SMFIR_ACCEPT     'a'
  reject: 0x72, // SMFIR_REJECT     'r'
  tempfail: 0x74, // SMFIR_TEMPFAIL   't'
  replyCode: 0x79, // SMFIR_REPLYCODE  'y'
  discard: 0x64, // SMFIR_DISCARD    'd'
  skip: 0x73, // SMFIR_SKIP       's' [v6]
  progress: 0x70, // SMFIR_PROGRESS   'p'
  quarantine: 0x71, // SMFIR_QUARANTINE 'q'
  addHeader: 0x68, // SMFIR_ADDHEADER  'h'
  insertHeader: 0x69, // SMFIR_INSHEADER  'i'
  changeHeader: 0x6d, // SMFIR_CHGHEADER  'm'
  addRecipient: 0x2b, // SMFIR_ADDRCPT    '+'
  addRecipientWithArguments: 0x32, // SMFIR_ADDRCPT_PAR '2' [v6]
  deleteRecipient: 0x2d, // SMFIR_DELRCPT    '-'
  changeSender: 0x65, // SMFIR_CHGFROM    'e' [v6]
  replaceBody: 0x62, // SMFIR_REPLBODY   'b'
} as const;

/** Actions: what a milter may do to a message at its end. */
export const ActionBit = {
  addHeaders: 0x01, // SMFIF_ADDHDRS
  replaceBody: 0x02, // SMFIF_CHGBODY
  addRecipients: 0x04, // SMFIF_ADDRCPT
  deleteRecipients: 0x08, // SMFIF_DELRCPT
  changeHeaders: 0x10, // SMFIF_CHGHDRS
  quarantine: 0x20, // SMFIF_QUARANTINE
  changeSender: 0x40, // SMFIF_CHGFROM [v6]
  addRecipientsWithArguments: 0x80, // SMFIF_ADDRCPT_PAR [v6]
} as const;
export type Action = keyof typeof ActionBit;
export const SET_SYMBOL_LIST = 0x100; // SMFIF_SETSYMLIST [v6]

/** Protocol steps: in the offer "the MTA can", in the answer "the milter wants". */
export const ProtocolBit = {
  noConnect: 0x1, // SMFIP_NOCONNECT
  noHelo: 0x2, // SMFIP_NOHELO
  noMail: 0x4, // SMFIP_NOMAIL
  noRcpt: 0x8, // SMFIP_NORCPT
  noBody: 0x10, // SMFIP_NOBODY
  noHeaders: 0x20, // SMFIP_NOHDRS
  noEndOfHeader: 0x40, // SMFIP_NOEOH
  noReplyHeader: 0x80, // SMFIP_NR_HDR [v6]
  noUnknown: 0x100, // SMFIP_NOUNKNOWN [v3]
  noData: 0x200, // SMFIP_NODATA [v4]
  skip: 0x400, // SMFIP_SKIP [v6]
  rejectedRecipients: 0x800, // SMFIP_RCPT_REJ [v6]
  noReplyConnect: 0x1000, // SMFIP_NR_CONN [v6]
  noReplyHelo: 0x2000, // SMFIP_NR_HELO [v6]
  noReplyMail: 0x4000, // SMFIP_NR_MAIL [v6]
  noReplyRcpt: 0x8000, // SMFIP_NR_RCPT [v6]
  noReplyData: 0x10000, // SMFIP_NR_DATA [v6]
  noReplyUnknown: 0x20000, // SMFIP_NR_UNKN [v6]
  noReplyEndOfHeader: 0x40000, // SMFIP_NR_EOH [v6]
  noReplyBody: 0x80000, // SMFIP_NR_BODY [v6]
  headerLeadingSpace: 0x100000, // SMFIP_HDR_LEADSPC [v6]
} as const;

export const ALL_ACTIONS = 0x1ff; // SMFI_CURR_ACTS
export const ALL_PROTOCOL = 0x1fffff; // SMFI_CURR_PROT
export const V1_ACTIONS = 0x0f; // SMFI_V1_ACTS

/** Where a macro list of the negotiation belongs. End of message is 5 and end of header 6, although that comes first. */
export const SymbolStage = {
  connect: 0, // SMFIM_CONNECT
  helo: 1, // SMFIM_HELO
  mail: 2, // SMFIM_ENVFROM
  rcpt: 3, // SMFIM_ENVRCPT
  data: 4, // SMFIM_DATA
  eom: 5, // SMFIM_EOM
  eoh: 6, // SMFIM_EOH
} as const;
export type MacroStage = keyof typeof SymbolStage;

/** The largest data part (without the command byte) of a packet that every peer takes: MILTER_CHUNK_SIZE. */
export const CHUNK_SIZE = 65_535;

/** The stages a verdict can be given at. */
export type Stage = 'connect' | 'helo' | 'mail' | 'rcpt' | 'data' | 'unknown' | 'header' | 'eoh' | 'body' | 'eom';
