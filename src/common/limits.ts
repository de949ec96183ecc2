/** Every limit on memory, sizes, counts and time, in one place, each with its reason. */

const KIB = 1024;
const MIB = 1024 * KIB;

// --- The store format (docs/FORMAT.md) ---
/** A pack never exceeds this; buffers for packs have exactly this size. */
export const PACK_MAX_BYTES = 16 * MIB;
/** Where packs of a small capture end: three whole blocks of a large file, or any segment that small files gather. */
export const PACK_SMALL_BYTES = 4 * MIB;
/** Data bytes gathered into one segment; larger files are cut at multiples of it. */
export const SEGMENT_DATA_BYTES = 1 * MIB;
/** A segment's plaintext, header included: what an opener will decompress to at most. */
export const SEGMENT_PLAIN_MAX_BYTES = 2 * MIB;
/** Extents in one segment, so that its header stays below 256 KiB. */
export const SEGMENT_EXTENTS_MAX = 4096;
/** A descriptor: 40 bytes a pack, so about 1.5 TiB of packs. */
export const DESCRIPTOR_MAX_BYTES = 4 * MIB - 64 * KIB;
/** One bit for each pack that a descriptor can name, 40 bytes each there. */
export const DESCRIPTOR_PACKS_MAX_BYTES = Math.ceil(DESCRIPTOR_MAX_BYTES / 40 / 8);
/**
 * Lists, maps and byte strings in one CBOR item, 200 bytes of memory each at most: two for each pack of the largest
 * descriptor, and three times as many as the largest part of a manifest has.
 */
export const CBOR_OBJECTS_MAX = 2 ** 18;
/** Extended attributes of one item: what Linux lists in its 64 KiB, and its longest value. */
export const XATTRS_MAX = 4096;
export const XATTR_NAME_MAX_BYTES = 255;
export const XATTR_VALUE_MAX_BYTES = 64 * KIB;
/** All attributes of one item together, so that an entry stays within a manifest part. */
export const XATTRS_MAX_BYTES = 256 * KIB;
/** Depth of folders that a capture follows and a restore makes. */
export const PATH_DEPTH_MAX = 1024;
/** Bytes of one name: what every file system of ours allows. */
export const NAME_MAX_BYTES = 255;
/** A path in a file of settings: PATH_MAX; what is longer names nothing. */
export const PATH_MAX_CHARS = 4096;
/** Bytes of a symbolic link's target: PATH_MAX. */
export const LINK_TARGET_MAX_BYTES = 4096;
/** Frames in one pack, the last one's padding included: bounds what one pack can open to (1 GiB of content). */
export const PACK_FRAMES_MAX = 1024;
/** A manifest part is cut beyond this, so that one part's objects stay small in memory. */
export const MANIFEST_PART_BYTES = 128 * KIB;
/** Parts are cut smaller where the manifest is small: what one changed file costs is the part that it stands in. */
export const MANIFEST_PART_MIN_BYTES = 3 * KIB;
/** As many parts as a manifest is cut into while they can be small; 44 bytes of each descriptor a part. */
export const MANIFEST_PARTS_AIM = 4000;
/** A folder's block is cut beyond this: the least that one changed file of a large folder sends again. */
export const MANIFEST_BLOCK_BYTES = 6 * KIB;
/** Extents of one entry in a manifest; a file with more goes on in the next entry (4 GiB each). */
export const ENTRY_EXTENTS_MAX = 4096;
/** Number of a link group, over the life of a state: so that a reader's marks of those it has seen take 8 MiB at most. */
export const LINK_GROUPS_MAX = 2 ** 26 - 1;
/** Entries of one snapshot: what its numbers are counted in. */
export const ENTRIES_MAX = 2 ** 32 - 2;
/** Bytes of the names of left-out items in a descriptor, so that it stays below DESCRIPTOR_MAX_BYTES. */
export const LEFT_OUT_BYTES_MAX = 512 * KIB;
/** Plan or bucket bytes gathered in memory before they go to the scratch folder. */
export const SPOOL_BUFFER_BYTES = 4 * MIB;
/** Folder descriptors that one walk holds open at once. */
export const OPEN_FOLDERS_MAX = 64;
/** A key file: an age header and 32 bytes; a hybrid recipient's stanza is the longest. */
export const KEY_FILE_MAX_BYTES = 16 * KIB;
/**
 * scrypt's work for a passphrase, log2 of its rounds: what `age -p` takes too. A second and 256 MiB; a key file that asks
 * for more is not opened.
 */
export const PASSPHRASE_WORK_LOG2 = 18;
/** A passphrase has at least this many characters. */
export const PASSPHRASE_MIN_CHARS = 8;
/** States of a store whose key files are tried, when nobody says which state is meant: a passphrase costs a second each. */
export const STORE_STATES_TRIED_MAX = 16;
/** Least time between two reports of progress from a worker. */
export const PROGRESS_INTERVAL_MS = 100;
/** Items that a dry run names one by one; beyond it they are counted. */
export const DRY_RUN_ITEMS_MAX = 100_000;
/** Packs that a tool reading in the order of paths has open at once. */
export const TOOL_OPEN_PACKS_MAX = 16;
/** Segments of SEGMENT_PLAIN_MAX_BYTES at most that it keeps, those used last: a capture has two open at a time. */
export const TOOL_OPEN_SEGMENTS_MAX = 32;
/** Folders that a manifest has announced and not gone into yet, in memory; the others are in a scratch file. */
export const PENDING_FOLDERS_BYTES = 4 * MIB;
/** Records of one pack's pieces in memory, some 130 bytes each: of 4 GiB of a large file, or of 120,000 small ones. */
export const RECORDS_RUN_BYTES = 16 * MIB;
/** Holes that an export keeps in mind of files that go on beyond one entry, 16 bytes and an object each. */
export const EXPORT_HOLES_MAX = 500_000;
/** Items named one by one in a report; beyond it they are counted. */
export const REPORT_ITEMS_MAX = 10_000;
/** Items that a restore names for one and the same reason, so that one that all of them share does not hide the others. */
export const LOSSES_NAMED_MAX = 500;
/** Names of users, and of groups, that a manifest may give: far beyond any machine's. */
export const OWNER_NAMES_MAX = 200_000;
/** The target's list of users or groups: beyond this it is not read. */
export const PASSWD_MAX_BYTES = 64 * MIB;
/** Files of the target's `/etc/skel` that are known, and the longest of them. */
export const SKEL_FILES_MAX = 1000;
export const SKEL_FILE_MAX_BYTES = 1 * MIB;

/** Contents of a capture that are remembered by their hash, 28 bytes each: a home of 250,000 files has few collisions. */
export const SEEN_CONTENT_SLOTS = 2 ** 19;
/** Blocks of large files that changed while they were read, and are sealed once more: all of a capture together. */
export const REREAD_BYTES_MAX = 16 * MIB;

// --- Live databases (src/state/capture/database.ts) ---
/** Copies of a database that is being written, until one stood still: 7 waits, each twice as long, 1.3 s in all. */
export const DATABASE_ATTEMPTS = 8;
/** The first of these waits, about as long as a commit. */
export const DATABASE_WAIT_MS = 10;
/** A database that changed this shortly ago may be between two commits; no file system's clock is coarser. */
export const DATABASE_SETTLE_MS = 3_000;
/** Read and compared at once; two such buffers a thread. */
export const DATABASE_PIECE_BYTES = 1 * MIB;
/** A value that SQLite holds in memory while it checks a copy; a database with a larger one may stay unchecked. */
export const DATABASE_VALUE_MAX_BYTES = 64 * MIB;
/** A scratch copy leaves the disk that it lies on this much. */
export const SCRATCH_KEEP_FREE_BYTES = 64 * MIB;

// --- Memory of a transfer: buffers of PACK_MAX_BYTES that exist at once ---
/** Packs between the capture's worker and the holder's acknowledgement. */
export const CAPTURE_PACKS_IN_FLIGHT = 3;
/** Segments that are compressed beside the thread that reads: 2 MiB each, and as much for what becomes of them. */
export const SEGMENTS_COMPRESSED_AHEAD = 3;
/** Packs that a point has in memory for one transfer; its pool has as many for each client that it admits. */
export const POINT_PACKS_IN_FLIGHT = 2;
/** Packs between a holder's answer and the restore's worker. */
export const RESTORE_PACKS_IN_FLIGHT = 2;

/** Pack ids in one question of a source, 32 bytes each: as many as a descriptor can name. */
export const PACK_IDS_MAX_BYTES = 3 * MIB;

// --- Streams (docs/LIBP2P.md: measured values) ---
export const YAMUX_WINDOW_BYTES = 2 * MIB;
export const STREAM_READ_BUFFER_BYTES = 8 * MIB;
export const STREAM_WRITE_BUFFER_BYTES = 16 * MIB;
/** One send of bulk data: 256 KiB to 1 MiB measured best. */
export const BULK_CHUNK_BYTES = 256 * KIB;
/** A control message. The descriptor is the largest. */
export const CONTROL_MESSAGE_MAX_BYTES = 4 * MIB;
/** A control message before membership is known. */
export const HELLO_MESSAGE_MAX_BYTES = 256 * KIB;
/** Control messages, requests and answers, that are in memory for one peer, and for all: four and twenty-four of the largest. */
export const CONTROL_BYTES_PER_PEER_MAX = 16 * MIB;
export const CONTROL_BYTES_MAX = 96 * MIB;
/**
 * What one peer may have of the thread that answers requests: a quarter of it, and so much at once before that counts. A peer that
 * takes the records of a large fleet, some seconds of work, has to wait a little; one that asks without end always does.
 */
export const ANSWER_SHARE = 0.25;
export const ANSWER_BURST_MS = 2_000;
/** One request counts for so much at most: what takes longer waits for a disk. */
export const ANSWER_MOST_MS = 50;
/** Requests of one peer that are answered at once, a commit that takes a minute among them. */
export const ANSWERS_AT_ONCE_PER_PEER = 8;
/** Greetings on one connection: one is usual, a few while a machine joins. */
export const HELLOS_PER_CONNECTION_MAX = 32;
/** Whoever has its answer closes the stream within this. */
export const ANSWERED_CLOSE_MS = 5_000;
/** Bulk streams to or from one point at once, over all peers. */
export const POINT_CLIENTS_MAX = 8;
/** Control streams of one protocol open at once on one connection. */
export const CONTROL_STREAMS_MAX = 32;
/** Streams of all protocols that a peer may have open on one connection, those without a protocol yet among them. */
export const STREAMS_PER_CONNECTION_MAX = 128;
/** Bytes of a length in front of a message, or of a line of negotiation: 28 bits, far beyond any message of ours. */
export const LENGTH_BYTES_MAX = 4;
/** Lines that a peer may say to choose a protocol: a header, and some that an implementation of another version may try. */
export const NEGOTIATION_LINES_MAX = 16;
/** What libp2p takes as a line. */
export const NEGOTIATION_LINE_MAX_BYTES = 1024;
/** Pings, streams opened and streams reset on one connection: a large exchange of records opens some hundred in a second. */
export const MUXER_SIGNALS_PER_SECOND = 500;
export const MUXER_SIGNALS_BURST = 2_000;
/**
 * A piece of Noise or a frame of yamux that has begun goes on by so much within so many looks, or the connection ends: within a
 * minute, as long as a transfer may stand still. 300 bytes a second are enough.
 */
export const UNFINISHED_STEP_BYTES = 16 * KIB;
export const UNFINISHED_LOOK_MS = 15_000;
export const UNFINISHED_LOOKS_MAX = 4;
/**
 * Small things of one peer on all its connections: frames without data, or with less than PACE_SMALL_BYTES. Each costs some 20 µs, a
 * stream that is opened or reset ten times as much; so a peer has a tenth of the thread by them. A request has about fifteen.
 */
export const PACE_SMALL_BYTES = 1 * KIB;
export const PACE_PER_SECOND = 4_000;
export const PACE_BURST = 16_000;
export const PACE_SIGNAL_COUNT = 8;
/** A peer that is too fast is not heard for so long at most: others that it keeps waiting shall not take it for gone. */
export const PACE_PAUSE_MAX_MS = 2_000;
/** What waits to be sent on one connection: two full streams. Beyond it the other side asks and does not read. */
export const CONNECTION_UNSENT_MAX_BYTES = 2 * STREAM_WRITE_BUFFER_BYTES;

// --- Time ---
/** A transfer in which no byte moves for this long is ended. */
export const TRANSFER_STALL_MS = 60_000;
/** One request and its answer. */
export const REQUEST_TIMEOUT_MS = 20_000;
/** A commit reads every pack again: this long, and a second more for each COMMIT_BYTES_PER_SECOND. */
export const COMMIT_TIMEOUT_MS = 60_000;
/** What the slowest disk of a point reads. */
export const COMMIT_BYTES_PER_SECOND = 10e6;
/** A stranger's connection that does not become a member's is closed. */
export const STRANGER_CONNECTION_MS = 15_000;
/** An idle lease dies. */
export const LEASE_IDLE_MS = 600_000;
/** What an interrupted capture left is kept this long for it to go on, unless its room is needed. */
export const UNFINISHED_KEEP_MS = 24 * 3_600_000;
/** Leases that one member may have on one point at a time. */
export const LEASES_PER_MEMBER_MAX = 16;

// --- Points: what they do by themselves (src/node/roles/point) ---
/** A transfer that completes no pack for this long loses the state's door: one that trickles cannot hold it. 28 kB/s suffice. */
export const DOOR_STALL_MS = 600_000;
/** Packs hashed in one turn of a store's thread, so that transfers beside it wait for a tenth of a second at most. */
export const VERIFY_TURN_BYTES = 32 * MIB;
/** Every pack is read again this often. */
export const SCRUB_EVERY_MS = 86_400_000;
/** What a scrub reads: a fifth of a slow disk's speed, 2.7 TB a day. */
export const SCRUB_BYTES_PER_SECOND = 32 * MIB;
/** A holder that could not be reached for this long is lost: longer than a restart, shorter than a working day. */
export const HOLDER_LOST_AFTER_MS = 3_600_000;
/** A copy is not begun before the records that allow it have had this long to reach the others. */
export const COPY_SETTLE_MS = 1_000;
/** The second of two holders makes a copy this much later than the first would, the third twice as late. */
export const COPY_BACKUP_DELAY_MS = 300_000;
/** A copy or a repair that failed is tried again after this, then after twice as long, up to OWN_WORK_RETRY_MAX_MS. */
export const OWN_WORK_RETRY_MS = 2_000;
export const OWN_WORK_RETRY_MAX_MS = 600_000;
/** A point looks at leases, stalls, retention and copies this often. */
export const POINT_TICK_MS = 15_000;
/** The time that a point has observed is written this often: what a crash costs of it. */
export const OBSERVED_SAVE_MS = 60_000;
/** Refusals that `status` remembers, and those of one peer, so that a flood does not push out the others. */
export const REFUSALS_MAX = 64;
export const REFUSALS_PER_PEER_MAX = 8;
/** Snapshots of a spread state for which a point remembers which packs are its own; of older ones it keeps what is there. */
export const SPREAD_SNAPSHOTS_MAX = 4;
/** A worker thread that was asked to stop is ended after this. */
export const WORKER_STOP_GRACE_MS = 2_000;
/** While a capture runs, what the holder has stored is remembered this often, so that a kill costs no more. */
export const CHECKPOINT_MS = 5_000;
/** A restore from which all holders have gone waits this long for one to come back: a reboot, a cable, a new address. */
export const RESTORE_RECONNECT_MS = 60_000;
/** A holder that gives a restore nothing for this long is left for another one: a disk that spins up takes ten seconds. */
export const HOLDER_STALL_MS = 20_000;
/** Before that, it is asked whether it is there at all: an address that has gone answers nobody. */
export const HOLDER_PROBE_AFTER_MS = 3_000;
export const HOLDER_PROBE_MS = 4_000;
/** Less than this within HOLDER_STALL_MS counts as nothing where another holder has the pack. */
export const HOLDER_STALL_BYTES = 64 * KIB;
/** Waiting times before a lost holder is tried again: doubling from the first to the last. */
export const HOLDER_RETRY_FIRST_MS = 500;
export const HOLDER_RETRY_LAST_MS = 8_000;
/** Holders that one restore reads from at once. */
export const RESTORE_HOLDERS_MAX = 3;
/** Points that are asked at once what they hold. */
export const POINTS_ASKED_AT_ONCE = 16;
/** SIGTERM ends an agent within this. */
export const SHUTDOWN_MS = 5_000;

// --- A capture's way to its points (src/node/placement, src/node/roles/source) ---
/** One point's answer about its room, connection included: a machine that sleeps must not hold up the others. */
export const CAPACITY_WAIT_MS = 8_000;
/** A transfer that waits for a point on which no byte moves for this long is opened anew; twice in a row, the point is left. */
export const PUT_STALL_MS = 30_000;
/** A point that went away in mid-transfer is waited for this long: an agent that starts again, a cable that is plugged in. */
export const SOURCE_RECONNECT_MS = 45_000;
/** First wait between two attempts to reach it, doubling up to the second. */
export const SOURCE_RECONNECT_FIRST_MS = 250;
export const SOURCE_RECONNECT_STEP_MS = 4_000;
/** Transfers opened in a row on which the point took no pack; then it is left for another one. */
export const PUTS_WITHOUT_PROGRESS_MAX = 3;
/** Points that one state is spread over: an event names them, with their replicas. */
export const SPREAD_POINTS_MAX = 8;
/** What each further point of a spread state costs beside room that no whole pack fits into: descriptor and key files again. */
export const SPREAD_PART_OVERHEAD_BYTES = 2 * MIB;
/** Places, each with a stat cache, whose packs a source remembers of one state: what it left and may return to. */
export const KNOWN_PLACES_MAX = 4;
/** Packs that the source reads back from each holder, and segments that it opens of each: unpredictable ones. */
export const READ_BACK_PACKS = 3;
export const READ_BACK_SEGMENTS = 4;
/** How long "safe to wipe" holds, and with it the age of everything that it stands on. */
export const SAFE_WORD_MS = 24 * 3_600_000;
/** What was read back longer ago is read again before the word is given. */
export const READ_BACK_FRESH_MS = 6 * 3_600_000;
/** Who gave a source nothing, or could not be told, is asked again after this, then after twice as long, up to the last. */
export const KEEP_WORD_FIRST_MS = 15_000;
export const KEEP_WORD_LAST_MS = 600_000;
/** A capture waits this long for the destination's trial, and holders' receipts, before it says how things stand. */
export const SAFETY_WAIT_MS = 20_000;
/** A holder signs its receipt right after the commit: one that has not after this long is of an older version, or hurt. */
export const RECEIPT_WAIT_MS = 5_000;
/** A capture waits for copies this long, and a second more for each REPLICATE_BYTES_PER_SECOND. */
export const REPLICATE_WAIT_MS = 60_000;
/** What a slow disk and a slow link between two points copy. */
export const REPLICATE_BYTES_PER_SECOND = 5e6;
/** A capture that goes on by itself tries again after the first, doubling up to the second. */
export const JOB_RETRY_FIRST_MS = 5_000;
export const JOB_RETRY_MOST_MS = 300_000;
/** Captures that start by themselves wait up to so much at random, so that a batch does not move in step. */
export const START_JITTER_MS = 2_000;
/** As long as a record needs to reach all: then a source that has started looks whether too many did. */
export const START_SETTLE_MS = 5_000;
/** A source of the batch that has said nothing new for this long, and cannot be reached, is not waited for. */
export const START_SILENT_MS = 60_000;

// --- Records ---
export const RECORD_MAX_BYTES = 16 * KIB;
/** A record with its signer's key and signature. */
export const RECORD_ENVELOPE_MAX_BYTES = RECORD_MAX_BYTES + 256;
/** Records that one signer may have stored at a time. */
export const RECORDS_PER_SIGNER_MAX = 20_000;
export const RECORD_BYTES_PER_SIGNER_MAX = 16 * MIB;
/** Events of one association that one signer may have stored: a source with many states has six or so of each. */
export const EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX = 256;
/** A record dated further ahead is refused: two honest clocks may be a year wrong each, one back, one ahead. */
export const RECORD_FUTURE_MAX_MS = 3 * 366 * 86_400_000;
/** Events kept in memory in full, some 700 bytes each: those of all migrations that a machine has a part in. */
export const EVENTS_CACHED_MAX = 2048;
/** Records in one message of the records protocol. */
export const RECORDS_PER_MESSAGE_MAX = 256;
/** Branches of the tree of hashes in one message: all children of one. */
export const RECORDS_COMPARED_MAX = 256;
/** A branch with more records answers with its children; a list of so many is 10 KiB. */
export const RECORDS_PER_BRANCH_MAX = 512;
/** Bytes of a branch's prefix: four thousand million branches. */
export const RECORD_PREFIX_MAX_BYTES = 4;
/** Records listed of one branch; only the deepest can have more than RECORDS_PER_BRANCH_MAX. */
export const RECORDS_LISTED_MAX = 4096;
/** Records and fingerprints listed in one answer, 20 and 16 bytes each. */
export const RECORDS_LISTED_PER_MESSAGE_MAX = 16_384;
/** Differences that one reconciliation goes after, 100 bytes of memory each; what is beyond is left to the next one. */
export const RECORDS_DIFFERING_MAX = 65_536;
/** Connected members compare their records this often: it also finds a dead connection, within two minutes. */
export const RECORDS_CHECK_EVERY_MS = 60_000;
/** Records that one peer is still to be told of; beyond it the two compare. */
export const NEWS_PER_PEER_MAX = 1024;
/** Envelopes that wait in one reconciliation for something that they depend on. */
export const RECORDS_WAITING_BYTES_MAX = 4 * MIB;
/** Records that prove one membership in a hello. */
export const CREDENTIAL_RECORDS_MAX = 64;

// --- Connections ---
export const CONNECTIONS_MAX = 512;
export const INBOUND_CONNECTIONS_PER_SECOND = 200;
/** Handshakes under way, of all hosts and of one: so that sixteen hostile ones are needed to keep others out. */
export const PENDING_CONNECTIONS_MAX = 1024;
export const PENDING_CONNECTIONS_PER_HOST_MAX = 64;
/**
 * Handshakes that are begun for others, 2 ms each: of one host, and of all. A laboratory of five hundred machines may start at
 * once; a flood has a tenth of the thread, or a quarter where it comes from many addresses. Who is refused dials again.
 */
export const HANDSHAKES_PER_HOST = { burst: 128, perSecond: 50 };
export const HANDSHAKES_OF_ALL = { burst: 1_000, perSecond: 120 };
/** Inbound connections of one peer: one or two are used; a doctor tries sixteen addresses at once. */
export const CONNECTIONS_PER_PEER_MAX = 32;
/** One address of a peer: a stale one that swallows packets must leave time for the next. */
export const ADDRESS_DIAL_TIMEOUT_MS = 3_000;
/** All addresses of a peer, one after another. */
export const DIAL_TIMEOUT_MS = 12_000;
/** Dials to peers that are only heard of and are no members: at once, and then one each so often. */
export const STRANGER_DIALS_BURST = 16;
export const STRANGER_DIAL_EVERY_MS = 500;
/** A connection that may be dead has this long to answer a ping; longer where bulk data may be queued before it. */
export const PING_IDLE_TIMEOUT_MS = 3_000;
export const PING_BUSY_TIMEOUT_MS = 10_000;

/** Connections that an agent keeps standing; beyond it those that nobody uses are closed. */
export const STANDING_CONNECTIONS_MAX = 8;
/** In a fleet too large for all to be connected with all, an agent dials until it has so many: random graphs of this degree hold together. */
export const STANDING_CONNECTIONS_MIN = 4;
/** A connection on which nothing was open for this long is not used. */
export const CONNECTION_IDLE_MS = 30_000;
/** Unused connections closed at one look: all at once they would all be dialled anew at once. */
export const CONNECTIONS_CLOSED_AT_ONCE = 16;
/** Whoever ended a connection is not dialled by himself for this long: he has enough of them. */
export const CONNECTION_REST_MS = 60_000;
/** So often on average a machine that has enough connections makes another: it mixes them, and finds who was cut off. */
export const CONNECTION_MIX_MS = 120_000;
/** Inbound connections of strangers at once; with one more the host that has most of them loses its oldest. */
export const STRANGER_CONNECTIONS_MAX = 64;

/** Name of a machine, of a fleet. */
export const NAME_TEXT_MAX = 64;
/** Longest life of an invite. */
export const INVITE_MAX_MS = 90 * 86_400_000;
/** Users of a source that one restore maps to others. */
export const USER_MAPPINGS_MAX = 10_000;
/** Uses of one invite. */
export const INVITE_USES_MAX = 10_000;

// --- Fields of records and invites ---
/** Addresses that a member publishes, or an invite carries as seeds. */
export const ADDRESSES_MAX = 8;
/** One multiaddr in text. */
export const ADDRESS_TEXT_MAX = 256;
/** Points that an association names. */
export const ASSOCIATION_POINTS_MAX = 16;
/** Associations that one command makes: a large office's list. */
export const ASSOCIATIONS_AT_ONCE_MAX = 5_000;
/** The longest time that an association counts: a hundred years. */
export const DURATION_MAX_MS = 100 * 366 * 86_400_000;
/** Copies that an association asks for. */
export const REPLICAS_MAX = 8;
/** What an association seals to its parties. */
export const SEALED_MAX_BYTES = 8 * KIB;
/** A ticket's private half, an age file for the operators: some 110 bytes for each. */
export const TICKET_SEALED_MAX_BYTES = 4 * KIB;
/** How long holders keep a state after its restore where nobody says otherwise: a month of second thoughts. */
export const KEEP_AFTER_RESTORE_MS = 30 * 86_400_000;
/** Members that hold shares of one state's key. */
export const SHARE_HOLDERS_MAX = 5;
/** Users, areas, paths and user mappings that an association's sealed terms name. */
export const TERMS_ITEMS_MAX = 256;
export const TERMS_PATH_MAX_CHARS = 4096;
/** Sources of one batch that capture at once by themselves. */
export const START_AT_ONCE_MAX = 1000;
/** Peers that one event names: the points of a spread state, with replicas. */
export const EVENT_PEERS_MAX = 16;
/** Digests of a machine's hardware in an event, 17 bytes each. */
export const EVENT_MACHINE_MAX_BYTES = 512;
/** Packs that a trial opens of each holder: unpredictable ones, so that a holder must have them all. */
export const TRIAL_PACKS = 3;
/** Packs that are drawn for that: a holder of a part of a spread state has some of so many. */
export const TRIAL_DRAWS = 64;
/** A trial waits a random part of this, so that many destinations do not ask at once. */
export const TRIAL_JITTER_MS = 5_000;
/** The same when the agent starts: a whole office is switched on at nine. */
export const TRIAL_START_JITTER_MS = 30_000;
/** A trial that did not pass at every holder is made again after this, doubling up to the second. */
export const TRIAL_RETRY_FIRST_MS = 30_000;
export const TRIAL_RETRY_LAST_MS = 3_600_000;
/** A trial of the same snapshot at the same holders is not repeated within this, whatever the source says. */
export const TRIAL_AGAIN_MS = 3_600_000;
/** Trials that did not pass and are shown by `status`. */
export const TRIAL_PROBLEMS_MAX = 100;
/** Reasons in one event, and the longest. */
export const EVENT_NOTES_MAX = 8;
export const EVENT_NOTE_TEXT_MAX = 200;
/** A recovery code as it is typed, blanks and dashes included. */
export const RECOVERY_CODE_MAX_CHARS = 200;
/** An invite token in text: a chain of a few operators takes 3 KiB. */
export const INVITE_TOKEN_MAX_CHARS = 64 * KIB;

// --- Moves in place: hardware, shares, tickets ---
/** Attributes of one machine in an event: EVENT_MACHINE_MAX_BYTES of 17 bytes each. */
export const MACHINE_DIGESTS_MAX = 30;
/** One share: a state key in an age file has some 230 bytes. */
export const SHARE_MAX_BYTES = 1 * KIB;
/** A share in an age file for one member. */
export const SHARE_SEALED_MAX_BYTES = 2 * KIB;
/** A deal: 147 bytes, and 32 for each of SHARE_HOLDERS_MAX shares. */
export const DEAL_BYTES_MAX = 512;
/** A message of the shares protocol: two shares with their deals. */
export const SHARES_MESSAGE_MAX_BYTES = 8 * KIB;
/** Shares that one machine keeps: 2 KiB on its disk each, some 300 bytes in memory. */
export const SHARES_KEPT_MAX = 4096;
/** Of those from one source: an association has one, and a second one while its state changes. */
export const SHARES_PER_SOURCE_MAX = 16;
/** Members that a source asks at once to keep a share, and in all before it gives up: some wait 5 s for one that is off. */
export const SHARE_HOLDERS_ASKED_AT_ONCE = 8;
export const SHARE_HOLDERS_ASKED_MAX = 64;
/** A nonce for a release is good so long: one request. */
export const RELEASE_NONCE_MS = 60_000;
/** Nonces that one member, and all together, may have waiting. */
export const RELEASE_NONCES_PER_PEER_MAX = 4;
export const RELEASE_NONCES_MAX = 256;
/** Tickets of one batch: a laboratory, not a fleet. */
export const TICKET_BATCH_MAX = 500;

// --- Discovery (src/node/discovery): what strangers on the network can make us remember and send ---
/** Announcements remembered at once, over all interfaces. */
export const DISCOVERED_PEERS_MAX = 2048;
/** Announcements remembered from one sending address: many agents on one machine, not a flood from one. */
export const DISCOVERED_PEERS_PER_SOURCE_MAX = 64;
/** Announcements remembered for one peer id on one interface: a false one cannot push the true one out. */
export const DISCOVERED_INSTANCES_PER_PEER_MAX = 4;
/**
 * Packets that are looked into, 0.2 ms each: of one address, which may be that of sixty agents that start at once, and of all on one
 * interface. A network of a thousand machines has some fifty a second. What is left out was a hint; it comes again.
 */
export const DISCOVERY_PACKETS_PER_SOURCE = { burst: 500, perSecond: 100 };
export const DISCOVERY_PACKETS_OF_ALL = { burst: 1_000, perSecond: 300 };
/** Addresses remembered of one announcement. */
export const DISCOVERED_ADDRESSES_PER_PEER_MAX = 8;
/** A discovery packet stays below one Ethernet frame. */
export const DISCOVERY_PACKET_MAX_BYTES = 1200;
/** Own addresses in one answer. */
export const DISCOVERY_ADDRESSES_MAX = 4;
/** How long an announcement holds, and the longest that a heard one is believed. */
export const DISCOVERY_TTL_MS = 120_000;
/** Envelopes in one answer of the records protocol, so that it fits a control message. */
export const RECORDS_PER_MESSAGE_BYTES_MAX = 2 * MIB;

// --- Doctor (src/node/doctor) ---
/** Addresses of one peer that are tried: as many as a record and discovery on two interfaces can bring. */
export const DOCTOR_ADDRESSES_MAX = 16;
/** Of both messages of the doctor protocol: sixteen addresses with their outcomes. */
export const DOCTOR_MESSAGE_MAX_BYTES = 8 * KIB;
/** Whoever is asked tries all addresses at once; each has ADDRESS_PROBE_MS for TCP and as much for the handshake. */
export const DOCTOR_TIMEOUT_MS = 15_000;
export const ADDRESS_PROBE_MS = 4_000;
/** A member is looked at no more often than this by one that is asked, */
export const DOCTOR_ANSWER_EVERY_MS = 3_000;
/** and so many members at a time. */
export const DOCTOR_ANSWERS_AT_ONCE = 4;
/** Peers that are tried when no peer is named: a large fleet is looked at in part, and that is said. */
export const DOCTOR_PEERS_MAX = 64;
export const DOCTOR_PEERS_AT_ONCE = 4;
/** What the system's tools may print: a large ruleset. */
export const TOOL_OUTPUT_MAX_BYTES = 4 * MIB;
export const TOOL_TIMEOUT_MS = 4_000;

// --- Pairing by a code (src/protocols/pair, docs/PAIRING.md) ---
/** One step of the exchange, its cryptography and its way over the network: some 10 ms and a LAN, with a slow machine in mind. */
export const PAIRING_STEP_MS = 5_000;
/** How long a shown code may be typed. */
export const PAIRING_LIFE_MS = 600_000;
/** Failures, from whatever machine, at which a shown code is burnt. With the one run of a typed code: three guesses. */
export const PAIRING_FAILURES_MAX = 2;
/** Runs with the scanned secret that fail: 128 bits cannot be guessed, so this bounds work only. */
export const PAIRING_SCAN_FAILURES_MAX = 64;
/** Counted runs of one HOME in an hour, over all codes: 20 in 1,296², 1 in 83,980. A success does not count. */
export const PAIRING_COUNTED_PER_HOUR_MAX = 20;
/** What a side says about itself once the other has proved the code: names, and what is offered. */
export const PAIRING_ABOUT_MAX_BYTES = 8 * KIB;
/** A message of the pairing protocol: the one with `about` is the largest. */
export const PAIRING_MESSAGE_MAX_BYTES = PAIRING_ABOUT_MAX_BYTES + 512;
/** Streams of strangers that the pairing protocol has open at once. */
export const PAIRING_STREAMS_MAX = 16;
/** Told to the person of one code, of attempts that cost it nothing: a stranger can make them for ever. */
export const PAIRING_ATTEMPTS_TOLD_MAX = 16;

// --- Direct streams (src/protocols/direct): from one machine into the files of another, nothing kept between ---
/** Packs on their way or in a receiver's memory at once: one that is being used, one that waits, one that fills. */
export const DIRECT_BUFFERS = 3;
/** Where packs of a direct stream end: small, so that the first file is there soon and little is in memory. */
export const DIRECT_PACK_BYTES = 4 * MIB;
/** Files that were begun when a stream broke: one that is under way, and those whose ends waited for their segment. */
export const DIRECT_OFFSETS_MAX = 4 * KIB;
/** Files that were not as planned, which `undo` knows again: 100 bytes each in memory; what is beyond stays. */
export const BECAME_MAX = 200_000;
/** A file that changes each time it is read is asked for this often, then listed. */
export const RECEIVE_ROUNDS_MAX = 3;
/** Which files are asked for: 2 to 10 bytes a run of them. */
export const DIRECT_ENTRIES_MAX_BYTES = 16 * MIB;
/** Each side says this often that it is there: a scan or a slow disk may keep packs away for minutes. */
export const DIRECT_PULSE_MS = 5_000;
/** A cable that is out is noticed after this: four pulses, so that one that a busy machine is late with ends nothing. */
export const DIRECT_SILENCE_MS = 20_000;
/** What a side says last, or why it ends, has so long to leave it. */
export const DIRECT_CLOSE_MS = 5_000;
/** Where nothing can be sent any more, the other side's reason may still be on its way so long. */
export const DIRECT_GRACE_MS = 1_000;
/** On one connection: the one in use, one that replaces it, and those that are on their way out. */
export const DIRECT_STREAMS_MAX = 4;

// --- What follows a pairing (src/node/pairing): one migration over a direct stream ---
/** A pairing is good for going on so long, by the wall clock: a working day, a night, and the morning after. */
export const PAIRING_KEPT_MS = 24 * 3_600_000;
/** How long a typed code's machine is looked for: a cable that was just plugged in needs some seconds. */
export const PAIRING_FIND_MS = 15_000;
/** After the first machine with the number, this long for others that claim it: answers come within 120 ms. */
export const PAIRING_GATHER_MS = 200;
/** The other machine is tried again after the first, doubling up to the second, and at once when it is heard of. */
export const PAIRING_RETRY_FIRST_MS = 500;
export const PAIRING_RETRY_MOST_MS = 5_000;
/** A machine that has paired for a place in a fleet asks for its invite at once; a slow one has so long. */
export const PAIRING_ENROL_WAIT_MS = 15_000;
/** Paths of an offer that are named, and the longest text of one: together within PAIRING_ABOUT_MAX_BYTES. */
export const OFFER_PATHS_MAX = 16;
export const OFFER_PATH_TEXT_MAX_BYTES = 400;
/** Addresses of the other machine that are remembered for going on. */
export const PAIRING_ADDRESSES_MAX = 8;

// --- The bulk socket of a direct stream (src/protocols/direct/bulk): packs, which are sealed already, beside Noise ---
/** A receiver waits so long for it before it asks: several round trips of a LAN, and no long pause behind a firewall. */
export const BULK_CONNECT_MS = 1_000;
/** Who connects has so long to prove that it is the receiver. */
export const BULK_HANDSHAKE_MS = 2_000;
/** The listener is there so long after a stream has opened: longer than any receiver tries. */
export const BULK_LISTEN_MS = 5_000;
/** Who has not proved it yet, at once; with one more the oldest is cut off, for the right one needs one round trip. */
export const BULK_HANDSHAKES_MAX = 8;
/** Addresses that a listener opens on: more than a machine with cables and radios has. */
export const BULK_ADDRESSES_MAX = 16;
/** Ports that are tried until one is free at all the addresses. */
export const BULK_PORT_TRIES = 4;
/**
 * What comes of each pack over Noise all the same: its head, with the salt that all the rest depends on, so that nobody can put
 * a pack of earlier in its place.
 */
export const BULK_HEAD_BYTES = 64;
/** The first read of a pack goes here, the others into its memory: larger is not faster. */
export const BULK_SPARE_BYTES = 64 * KIB;
/** Streams in a row whose socket brought nothing, until packs come over Noise again. */
export const BULK_FAILURES_MAX = 2;

// --- Areas (docs/AREAS.md) ---
/** One file that an area reads whole: PPDs and firewall tables are the longest of what people have. */
export const AREA_FILE_MAX_BYTES = 4 * MIB;
/** What one area says of a machine, as JSON. */
export const AREA_DOCUMENT_MAX_BYTES = 32 * MIB;
/** Names of one folder that an area looks at. */
export const AREA_FOLDER_NAMES_MAX = 50_000;
/** Items of one kind in an area's document: users, printers, units. */
export const AREA_ITEMS_MAX = 20_000;
/** What a program says when an area asks it. */
export const AREA_TOOL_OUTPUT_MAX_BYTES = 16 * MIB;
/** A program that has not answered by then is not waited for: a print server that is off, a hung session bus. */
export const AREA_TOOL_TIMEOUT_MS = 10_000;
/** What dpkg says of its packages: some 5 MiB for 3,000 of them. */
export const DPKG_STATUS_MAX_BYTES = 32 * MIB;
/** Local people of one machine, and their groups: more is a directory server's business. Each is an item with its files. */
export const ACCOUNTS_PEOPLE_MAX = 1000;
/** Ranges of subordinate ids that one person has: one is usual, a few for nested containers. */
export const ACCOUNTS_RANGES_MAX = 16;
/** A rule of the catalogue: the longest of ours has 4 KiB. */
export const CATALOGUE_FILE_MAX_BYTES = 64 * KIB;
/** Rules of all folders: ours, a fleet's, a user's own. */
export const CATALOGUE_RULES_MAX = 2_000;
/** Paths that a plan names of what one rule left out. */
export const LEFT_BY_RULE_EXAMPLES = 3;
/** A file that an area replaces or removes is kept whole for an undo. Larger ones are no settings. */
export const AREA_PRE_IMAGE_MAX_BYTES = 64 * MIB;
/** Lines of what changes that a person is shown of one item, and characters of each. */
export const AREA_DIFFERENCE_LINES_MAX = 200;
export const AREA_DIFFERENCE_LINE_CHARS = 300;
/** Lines of one file, what both have in front and behind left out, that are compared one by one. */
export const AREA_DIFFERENCE_COMPARED_LINES = 1000;
/** A unit that is stopped or started may have to end its work first. */
export const AREA_UNIT_TIMEOUT_MS = 60_000;
/** Another program that changes accounts is waited for as long as the C library's own lckpwdf waits. */
export const ACCOUNTS_LOCK_WAIT_MS = 15_000;
/** A line of a checklist: what is longer is cut, since a person reads it. */
export const CHECK_TEXT_MAX_CHARS = 1_000;
/** Files that a checklist names of each kind and place: enough to see what happened; the rest is counted. */
export const CHECK_NAMED_MAX = 20;
/** Captured paths that a checklist shows each by itself; a list of thousands of PATHs is shown as one beyond that. */
export const CHECK_ROOTS_MAX = 200;
/** An interface's name, and a name that a file makes for one: Linux takes 15. */
export const INTERFACE_NAME_MAX_CHARS = 64;
/** dpkg's list of what is installed: 3 KiB a package, and nobody has 20,000. */
export const PACKAGE_STATUS_MAX_BYTES = 64 * MIB;
/** Queues of one print server: a university's has some hundreds, and each is an edit of the whole file. */
export const PRINT_QUEUES_MAX = 500;
/** printers.conf of so many queues; each one added is a copy of the file in the plan. */
export const PRINT_QUEUES_FILE_MAX_BYTES = 512 * KIB;
/** Destinations and instances with options of everybody's. */
export const PRINT_OPTIONS_MAX = 200;
/** Variables of /etc/environment, locales that are generated: some five hundred locales exist. */
export const ENVIRONMENT_VALUES_MAX = 1000;
/** A licence file: a large site's has some thousand features, and nothing longer is looked into. */
export const LICENCE_FILE_MAX_BYTES = 1 * MIB;
/** Licence files of one machine, and paths that one pattern of places may give. */
export const LICENCES_MAX = 500;
/** Their contents together in an area's document. */
export const LICENCES_MAX_BYTES = 8 * MIB;
/** Places of /usr/local, /opt and their like that are carried each by itself, between what packages own. */
export const UNOWNED_ROOTS_MAX = 1000;
/** Names that are looked at to find them, and to know that a folder is empty. */
export const UNOWNED_LOOKS_MAX = 20_000;
/** Names of one such place that the checklist goes by. */
export const UNOWNED_NAMES_MAX = 2000;
/** Lines of one hosts file: a list of blocked names of 4 MiB, 16 bytes a line. */
export const HOSTS_LINES_MAX = 250_000;
/** Applications of a document: as many as there can be rules. */
export const APPLICATIONS_MAX = 2_000;
/** Places of one application: an office machine has a few homes, and a rule a few patterns for each. */
export const APPLICATION_PLACES_MAX = 2_000;
/** Paths that one pattern may name: profiles, versions. */
export const APPLICATION_MATCHES_MAX = 200;
/** Folders of a document that no rule knows. */
export const APPLICATIONS_UNKNOWN_MAX = 200;
/** Smaller ones are not worth a person's time. */
export const APPLICATIONS_UNKNOWN_MIN_BYTES = MIB;
/** Items that are looked at for the size of one place, and of all, and the time for all: sizes are for people. */
export const APPLICATION_PLACE_ENTRIES_MAX = 5_000;
export const APPLICATIONS_ENTRIES_MAX = 30_000;
export const APPLICATIONS_MEASURE_MS = 300;
/** Files of a settings folder outside of homes that are told apart by whether a package brought them. */
export const APPLICATION_SETTINGS_MAX = 1_000;
/** Keys of one dconf database: a desktop that was used for years has some thousands. */
export const DCONF_KEYS_MAX = 50_000;
/** A longer path of an application's data is left to the area that carries the files: it would fill a line of a checklist. */
export const APPLICATION_PATH_MAX_BYTES = 2_048;
/** A restore that lost its network is undone by itself after this, unless somebody confirmed: as long as `netplan try` waits. */
export const LINK_GUARD_DEADLINE_MS = 120_000;
/** What answered before has so long to answer again: a bridge learns for 30 s, DHCP asks for up to 45 s. */
export const LINK_GUARD_SETTLE_MS = 60_000;
/** Nothing is believed earlier than this after a change: daemons take a moment to act on it. */
export const LINK_GUARD_STEADY_MS = 2_000;
/** One question to one address: what is slower is asked again until the time for all is over. */
export const LINK_PROBE_TIMEOUT_MS = 1_500;
/** Addresses that one guard watches. */
export const LINK_TARGETS_MAX = 16;
/** A rollback that the watchdog started and that has not ended by then is not waited for. */
export const LINK_ROLLBACK_TIMEOUT_MS = 600_000;
/** All values of /etc/environment: a program cannot be started with many more. */
export const ENVIRONMENT_MAX_CHARS = 64 * KIB;
/** Login shells of /etc/shells. */
export const LOGIN_SHELLS_MAX = 200;
/** Monitors, timeouts and scripts of one person. */
export const DISPLAY_VALUES_MAX = 500;
/** A person's picture on the login screen. */
export const DISPLAY_ICON_MAX_BYTES = 512 * KIB;
