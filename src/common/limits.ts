/** Every limit on memory, sizes, counts and time, in one place, each with its reason. */

const KIB = 1024;
const MIB = 1024 * KIB;

// --- The store format (docs/FORMAT.md) ---
/** A pack never exceeds this; buffers for packs have exactly this size. */
export const PACK_MAX_BYTES = 16 * MIB;
/** Data bytes gathered into one segment; larger files are cut at multiples of it. */
export const SEGMENT_DATA_BYTES = 1 * MIB;
/** A segment's plaintext, header included: what an opener will decompress to at most. */
export const SEGMENT_PLAIN_MAX_BYTES = 2 * MIB;
/** Extents in one segment, so that its header stays below 256 KiB. */
export const SEGMENT_EXTENTS_MAX = 4096;
/** A descriptor: 40 bytes a pack, so about 1.5 TiB of packs. */
export const DESCRIPTOR_MAX_BYTES = 4 * MIB - 64 * KIB;
/** Depth of folders that a capture follows and a restore makes. */
export const PATH_DEPTH_MAX = 1024;
/** Bytes of one name: what every file system of ours allows. */
export const NAME_MAX_BYTES = 255;
/** Bytes of a symbolic link's target: PATH_MAX. */
export const LINK_TARGET_MAX_BYTES = 4096;
/** Items named one by one in a report; beyond it they are counted. */
export const REPORT_ITEMS_MAX = 10_000;

// --- Memory of a transfer: buffers of PACK_MAX_BYTES that exist at once ---
/** Packs between the capture's worker and the holder's acknowledgement. */
export const CAPTURE_PACKS_IN_FLIGHT = 3;
/** Packs that a point has in memory for one incoming transfer. */
export const POINT_PACKS_IN_FLIGHT = 3;
/** Packs between a holder's answer and the restore's worker. */
export const RESTORE_PACKS_IN_FLIGHT = 3;

// --- Streams (docs/LIBP2P in the design: measured values) ---
export const YAMUX_WINDOW_BYTES = 2 * MIB;
export const STREAM_READ_BUFFER_BYTES = 8 * MIB;
export const STREAM_WRITE_BUFFER_BYTES = 16 * MIB;
/** One send of bulk data: 256 KiB to 1 MiB measured best. */
export const BULK_CHUNK_BYTES = 256 * KIB;
/** A control message. The descriptor is the largest. */
export const CONTROL_MESSAGE_MAX_BYTES = 4 * MIB;
/** A control message before membership is known. */
export const HELLO_MESSAGE_MAX_BYTES = 256 * KIB;
/** Bulk streams to or from one point at once, over all peers. */
export const POINT_CLIENTS_MAX = 8;
/** Control streams of one protocol open at once on one connection. */
export const CONTROL_STREAMS_MAX = 32;

// --- Time ---
/** A transfer in which no byte moves for this long is ended. */
export const TRANSFER_STALL_MS = 60_000;
/** One request and its answer. */
export const REQUEST_TIMEOUT_MS = 20_000;
/** A commit reads every pack again, so it may take long: time for 1 TiB from a slow disk is granted by progress. */
export const COMMIT_TIMEOUT_MS = 600_000;
/** A stranger's connection that does not become a member's is closed. */
export const STRANGER_CONNECTION_MS = 15_000;
/** An idle lease dies. */
export const LEASE_IDLE_MS = 600_000;
/** SIGTERM ends an agent within this. */
export const SHUTDOWN_MS = 5_000;

// --- Records ---
export const RECORD_MAX_BYTES = 16 * KIB;
/** Records that one signer may have stored at a time. */
export const RECORDS_PER_SIGNER_MAX = 20_000;
export const RECORD_BYTES_PER_SIGNER_MAX = 16 * MIB;
/** Records in one answer of the records protocol. */
export const RECORDS_PER_MESSAGE_MAX = 256;
/** Signer and epoch pairs in one digest. */
export const DIGEST_ENTRIES_MAX = 40_000;
/** Records that prove one membership in a hello. */
export const CREDENTIAL_RECORDS_MAX = 64;

// --- Connections ---
export const CONNECTIONS_MAX = 512;
export const INBOUND_CONNECTIONS_PER_SECOND = 200;
export const PENDING_CONNECTIONS_MAX = 200;

/** Name of a machine, of a fleet. */
export const NAME_TEXT_MAX = 64;
/** Longest life of an invite. */
export const INVITE_MAX_MS = 90 * 86_400_000;
/** Uses of one invite. */
export const INVITE_USES_MAX = 10_000;
